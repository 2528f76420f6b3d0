// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/halves_plan.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "plan/kernel_rules.hpp"
#include "plan/tuning_input.hpp"
#include "runtime/check.hpp"

namespace twinpatch::cuda {
namespace {

/// `batch`, or a little more: halves of the next batch follow, and convolutions write to multiples of 16 bytes.
std::int64_t aligned_batch(const std::vector<HalfConvolution>& halves, std::int64_t batch, NumberType type) {
  const bool aligned = std::all_of(halves.begin(), halves.end(), [&](const HalfConvolution& half) {
    return batch * half.output.size() * size_of(type) % 16 == 0;
  });
  return aligned ? batch : round_up(batch, 8);
}

}  // namespace

HalvesPlan::HalvesPlan(DeviceWeights& weights, Extent patch, Side side, std::int64_t batch)
    : device_(weights.device()), patch_(patch) {
  const NetworkSpec& spec = weights.model().spec;
  const char* const which = side == Side::left ? "left" : "right";
  const auto halves = half_convolutions(weights.model(), patch, side == Side::left);
  batch = aligned_batch(halves, batch, device_->type);
  batch_ = batch;
  std::int64_t scratch = 0;
  for (const HalfConvolution& of : halves) {
    const auto filter = weights.packed(fmt::format("{}{}_filter", of.name, which),
                                       [&] { return pack_filter(of.layer, of.weight, device_->type); });
    ConvolutionRequest request{.batch = batch, .input = of.input, .layer = of.layer, .relu = false, .pooling = {}};
    request.precision = device_->options.precision;
    request.exact = device_->options.exact_convolutions;
    StreamHalf half;
    half.view = view_of(of.view);
    half.output = {of.output.height, of.output.width, of.output.channels};
    half.convolution = std::make_unique<ConvolutionPlan>(device_->libraries, request);
    half.filter = filter;
    if (!of.bias.empty()) {
      half.bias = weights.packed(of.name + "half_bias", [&] { return pack(of.bias, device_->type); });
    }
    half.input = HeldBuffer<std::byte>(device_, checked_multiply(batch, of.input.size() * size_of(device_->type)));
    TWINPATCH_CUDA_CHECK(
        cudaMemsetAsync(half.input.data(), 0, static_cast<std::size_t>(half.input.bytes()), device_->stream()));
    half.halves = HeldBuffer<std::byte>(device_, checked_multiply(batch, of.output.size() * size_of(device_->type)));
    scratch = std::max(scratch, half.convolution->workspace_bytes());
    const auto window = std::int64_t{of.layer.kernel.height} * of.layer.kernel.width;
    operations_ += 2.0 * static_cast<double>(window) * static_cast<double>(of.output.size());
    bytes_ += (of.input.size() + of.output.size()) * size_of(device_->type);
    streams_.push_back(std::move(half));
  }
  scratch_ = HeldBuffer<std::byte>(device_, scratch);
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    StreamHalf& half = streams_[i];
    if (batch >= kTunedBatch) {
      fill_for_tuning(*device_, half.input);
      half.convolution->tune(device_->stream(),
                             {half.input.data(), half.filter, half.bias, half.halves.data(), scratch_.data()});
    }
    device_->report(fmt::format("network {}, {} halves of stream {}, batches of {}: {}", spec.name, which, i, batch,
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
      kernels::load_patches(device_->stream(),
                            {.sources = {&source, 1},
                             .count = std::min(batch_, count - first),
                             .height = patch_.height,
                             .width = patch_.width,
                             .view = stream.view,
                             .type = device_->type},
                            stream.input.data());
      stream.convolution->run(device_->stream(), {stream.input.data(), stream.filter, stream.bias,
                                                  stream.halves.data() + first * item, scratch_.data()});
    }
  }
}

}  // namespace twinpatch::cuda
