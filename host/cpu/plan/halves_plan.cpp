// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/halves_plan.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/narrow_kernels.hpp"
#include "kernels/pixel_kernels.hpp"
#include "plan/dnnl_steps.hpp"
#include "plan/stem_step.hpp"

namespace twinpatch::cpu {

namespace {

/// Before the integers of a stream stands their step.
constexpr std::int64_t kHeader = 16;

}  // namespace

HalvesPlan::HalvesPlan(const Model& model, Extent patch, Side side, const JoinRule& rule, const PlanOptions& options)
    : as_integers_(options.precision != Precision::fp32 && rule.pool && rule.activation == Activation::Kind::relu) {
  const int workers = options.size.workers;
  std::int64_t input = 0;
  std::int64_t scratch = 0;
  for (const HalfConvolution& half : half_convolutions(model, patch, side == Side::left)) {
    const ConvolutionWork work{half.layer,
                               half.input,
                               half.output,
                               {},
                               false,
                               half.weight.data(),
                               half.bias.empty() ? nullptr : half.bias.data()};
    auto step = stem_fits(half.layer, half.output, false)
                    ? make_stem_step(work, {options.precision, options.exact_convolutions})
                    : make_convolution_step(work, {.batch = 1, .workers = workers});
    input = std::max(input, half.input.size());
    scratch = std::max(scratch, step->scratch_bytes());
    streams_.push_back({half.view, half.output, stored_size_, std::move(step)});
    size_ = std::max(size_, half.output.size());
    stored_size_ +=
        as_integers_ ? kHeader + ceil_divide(half.output.size(), 2 * kHeader) * kHeader : half.output.size();
  }
  for (int worker = 0; worker < workers; ++worker) {
    workers_.push_back({Buffer<float>(input), Buffer<float>(as_integers_ ? size_ : 0), Buffer<std::byte>(scratch)});
  }
}

void HalvesPlan::run(int worker, std::size_t stream, PatchView patch, PixelMap map, float* out) {
  auto& mine = workers_[static_cast<std::size_t>(worker)];
  const auto& half = streams_[stream];
  load_patch(patch, map, half.view, mine.input.data(), 1);
  half.convolution->run(worker, 1, mine.input.data(), out, mine.scratch.data());
}

void HalvesPlan::store(int worker, PatchView patch, PixelMap map, float* out) {
  float* const half = workers_[static_cast<std::size_t>(worker)].half.data();
  for (std::size_t stream = 0; stream < streams_.size(); ++stream) {
    float* const to = out + streams_[stream].offset;
    run(worker, stream, patch, map, as_integers_ ? half : to);
    if (!as_integers_) continue;
    const std::int64_t size = streams_[stream].output.size();
    const float largest = narrow_kernels().largest(half, size);
    const float step = std::max(largest / kLargestHalf, std::numeric_limits<float>::min());
    to[0] = std::isnan(largest) ? largest : step;
    narrow_kernels().to_shorts(half, size, 1 / step, reinterpret_cast<std::int16_t*>(to + kHeader));
  }
}

HalfView HalvesPlan::stored(const float* patch, std::size_t stream) const {
  const float* const half = patch + streams_[stream].offset;
  if (!as_integers_) return {.values = half};
  return {.integers = {reinterpret_cast<const std::int16_t*>(half + kHeader), half[0]}};
}

namespace {

/// As the kernel join_pooled, with tanh in the place of ReLU; rising, so it follows the maximum.
void join_pooled_tanh(const JoinWork& work, int first, int rows, float* out) {
  const int width = work.shape.width;
  const int channels = work.shape.channels;
  const auto row = std::int64_t{width} * channels;
  const float* const left = work.left.values + first * row;
  const float* const right = work.right.values + first * row;
  for (int y = 0; y + 1 < rows; y += 2) {
    for (int x = 0; x + 1 < width; x += 2) {
      for (int c = 0; c < channels; ++c) {
        const auto at = y * row + std::int64_t{x} * channels + c;
        const auto sum = [&](std::int64_t i) { return left[i] + right[i]; };
        const float upper = std::max(sum(at), sum(at + channels));
        const float lower = std::max(sum(at + row), sum(at + row + channels));
        *out++ = std::tanh(std::max(upper, lower));
      }
    }
  }
}

/// Pooled with ReLU; NaN where a half has one.
void join_integers(const JoinWork& work, int first, int rows, float* out) {
  const Shape shape = work.shape;
  const auto row = std::int64_t{shape.width} * shape.channels;
  const std::int64_t out_row = std::int64_t{shape.width / 2} * shape.channels;
  out += first / 2 * out_row;
  const auto [left, left_step] = work.left.integers;
  const auto [right, right_step] = work.right.integers;
  if (std::isnan(left_step + right_step)) {
    std::fill_n(out, rows / 2 * out_row, std::numeric_limits<float>::quiet_NaN());
    return;
  }
  pixel_kernels().join_pooled_integers({left + first * row, left_step}, {right + first * row, right_step},
                                       {rows, shape.width, shape.channels}, out);
}

}  // namespace

void join_halves(const JoinWork& work, int first, int rows, float* out) {
  const auto& kernels = pixel_kernels();
  const Shape shape = work.shape;
  const auto row = std::int64_t{shape.width} * shape.channels;
  if (work.left.values == nullptr) return join_integers(work, first, rows, out);
  const float* const left = work.left.values + first * row;
  const float* const right = work.right.values + first * row;
  const ActivationKind activation = work.rule.activation;
  if (work.rule.pool) {
    out += std::int64_t{first / 2} * (shape.width / 2) * shape.channels;
    if (activation == Activation::Kind::relu) {
      kernels.join_pooled(left, right, {rows, shape.width, shape.channels}, out);
    } else {
      join_pooled_tanh(work, first, rows, out);
    }
    return;
  }
  out += first * row;
  const auto values = rows * row;
  if (activation == Activation::Kind::relu) {
    kernels.join(left, right, values, out);
    return;
  }
  for (std::int64_t i = 0; i < values; ++i) out[i] = left[i] + right[i];
  for (std::int64_t i = 0; activation && i < values; ++i) out[i] = std::tanh(out[i]);
}

}  // namespace twinpatch::cpu
