// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/halves_plan.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "plan/kernel_rules.hpp"
#include "runtime/check.hpp"

namespace twinpatch::cuda {

HalvesPlan::HalvesPlan(DeviceWeights& weights, Extent patch, Side side, std::int64_t batch)
    : device_(weights.device()), patch_(patch), batch_(batch) {
  const NetworkSpec& spec = weights.model().spec;
  const char* const which = side == Side::left ? "left" : "right";
  std::int64_t scratch = 0;
  for (std::size_t i = 0; i < spec.streams.size(); ++i) {
    const auto& stream = spec.streams[i];
    Shape input = stream_input(spec, stream, patch);
    const auto& whole = std::get<Convolution>(stream.layers.front());
    const std::string prefix = branch_prefix(spec, false, i, 0);
    const Convolution layer = half_of(whole, side == Side::left);
    const auto window = std::int64_t{layer.kernel.height} * layer.kernel.width;
    const auto both = weights.values(prefix + "weight", 2 * window * layer.out);
    input.channels = 1;
    const auto filter = weights.packed(fmt::format("{}{}_filter", prefix, which), [&] {
      return pack_filter(layer, half_weights(whole, both, side == Side::left), device_->type);
    });
    ConvolutionRequest request{.batch = batch, .input = input, .layer = layer, .relu = false, .pooling = {}};
    request.precision = device_->options.precision;
    request.exact = device_->options.exact_convolutions;
    const Shape output = request.output();
    StreamHalf half;
    half.view = view_of(stream.view);
    half.output = {output.height, output.width, output.channels};
    half.convolution = std::make_unique<ConvolutionPlan>(device_->libraries, request);
    half.filter = filter;
    if (layer.bias) {
      half.bias = weights.packed(prefix + "half_bias",
                                 [&] { return pack(weights.values(prefix + "bias", layer.out), device_->type); });
    }
    half.input = HeldBuffer<std::byte>(device_, checked_multiply(batch, input.size() * size_of(device_->type)));
    TWINPATCH_CUDA_CHECK(
        cudaMemsetAsync(half.input.data(), 0, static_cast<std::size_t>(half.input.bytes()), device_->stream()));
    half.halves = HeldBuffer<std::byte>(device_, checked_multiply(batch, output.size() * size_of(device_->type)));
    scratch = std::max(scratch, half.convolution->workspace_bytes());
    operations_ += 2.0 * static_cast<double>(window) * static_cast<double>(output.size());
    bytes_ += (input.size() + output.size()) * size_of(device_->type);
    streams_.push_back(std::move(half));
  }
  scratch_ = HeldBuffer<std::byte>(device_, scratch);
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    StreamHalf& half = streams_[i];
    if (batch >= kTunedBatch) {
      half.convolution->tune(device_->stream(), half.input.data(), half.filter, half.bias, half.halves.data(),
                             scratch_.data());
    }
    device_->say(fmt::format("network {}, {} halves of stream {}, batches of {}: {}", spec.name, which, i, batch,
                             half.convolution->description()));
  }
}

void HalvesPlan::run(const TwoChannelRows& rows, std::int64_t begin, std::int64_t count) {
  for (StreamHalf& stream : streams_) {
    const std::int64_t item = stream.output.size() * size_of(device_->type);
    const std::int64_t needed = checked_multiply(round_up(count, batch_), item);
    if (stream.halves.size() < needed) stream.halves = HeldBuffer<std::byte>(device_, needed);
    for (std::int64_t first = 0; first < count; first += batch_) {
      const kernels::PatchSource source = rows.source(begin + first);
      kernels::load_patches(device_->stream(), &source, 1, std::min(batch_, count - first), patch_.height, patch_.width,
                            stream.view, device_->type, stream.input.data());
      stream.convolution->run(device_->stream(), stream.input.data(), stream.filter, stream.bias,
                              stream.halves.data() + first * item, scratch_.data());
    }
  }
}

}  // namespace twinpatch::cuda
