// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "library/convolution_request.hpp"

#include <fmt/format.h>

#include "twinpatch/core/checked.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch::cuda {

Shape ConvolutionRequest::convolved() const { return output_shape(Layer(layer), input); }

Shape ConvolutionRequest::output() const {
  const Shape convolved_shape = convolved();
  return pooling ? output_shape(Layer(*pooling), convolved_shape) : convolved_shape;
}

void ConvolutionRequest::validate() const {
  (void)storage_of(precision);
  if (batch < 1) throw InvalidArgument(fmt::format("a convolution over a batch of {}: expected at least 1", batch));
  if (workspace_limit < 0) throw InvalidArgument("a convolution's workspace cannot be negative");
  if (pooling && pooling->kind != Pooling::Kind::max) {
    throw InvalidArgument("a convolution can be followed only by max pooling: " + twinpatch::describe(Layer(*pooling)));
  }
  if (pooling && (pooling->window.height > 32 || pooling->window.width > 32)) {
    throw InvalidArgument("pooling windows of at most 32 a side: " + twinpatch::describe(Layer(*pooling)));
  }
  // The library counts bytes of a tensor in 64 bits; sizes beyond are refused here rather than wrapped there.
  for (const std::int64_t item : {input.size(), convolved().size(), output().size()}) {
    (void)checked_multiply(checked_multiply(batch, item), size_of(storage_of(precision)));
  }
}

std::string to_text(const ConvolutionRequest& request) {
  const auto& layer = request.layer;
  std::string text =
      fmt::format("conv n{} {}x{}x{} k{}x{} s{}x{} p{}x{} o{}", request.batch, request.input.channels,
                  request.input.height, request.input.width, layer.kernel.height, layer.kernel.width,
                  layer.stride.height, layer.stride.width, layer.padding.height, layer.padding.width, layer.out);
  if (layer.bias) text += " bias";
  if (request.relu) text += " relu";
  if (request.pooling) {
    const auto& pool = *request.pooling;
    text += fmt::format(" max{}x{}/{}x{}{}", pool.window.height, pool.window.width, pool.stride.height,
                        pool.stride.width, pool.ceil ? " ceil" : "");
  }
  text += fmt::format(" {}{}", twinpatch::to_string(request.precision), request.exact ? " exact" : "");
  return text + fmt::format(" w{}", request.workspace_limit);
}

}  // namespace twinpatch::cuda
