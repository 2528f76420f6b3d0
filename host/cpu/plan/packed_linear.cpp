// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/packed_linear.hpp"

#include <algorithm>
#include <cmath>

#include "twinpatch/core/checked.hpp"

namespace twinpatch::cpu {

void apply(ActivationKind activation, std::span<float> values) {
  if (activation == Activation::Kind::relu) {
    for (float& value : values) value = value <= 0 ? 0 : value;  // keeps what is not a number
  } else if (activation == Activation::Kind::tanh) {
    for (float& value : values) value = std::tanh(value);
  }
}

PackedLinear::PackedLinear(const float* weight, std::int64_t stride, std::int64_t out, std::int64_t in,
                           std::span<const float> bias)
    : in_(in), out_(out) {
  const std::int64_t padded = round_up(out, kernels_->panel);
  panels_.resize(static_cast<std::size_t>(checked_multiply(padded, in)));
  pack_panels({weight, stride, out, in}, kernels_->panel, 1.0F, panels_.data());
  constants_.assign(static_cast<std::size_t>(padded), 0.0F);
  std::copy(bias.begin(), bias.end(), constants_.begin());
}

void PackedLinear::run(const float* input, std::int64_t input_stride, std::int64_t rows, float* output,
                       std::int64_t output_stride) const {
  alignas(64) float strip[kStripRows * kMaxPanel];
  const std::int64_t panel = kernels_->panel;
  for (std::int64_t first = 0; first < out_; first += panel) {
    kernels_->dot({{input, input_stride, rows, in_}, panels_.data() + first * in_, nullptr, constants_.data() + first},
                  strip);
    const std::int64_t columns = std::min(panel, out_ - first);
    for (std::int64_t i = 0; i < rows; ++i) {
      std::copy_n(strip + i * panel, columns, output + i * output_stride + first);
    }
  }
}

}  // namespace twinpatch::cpu
