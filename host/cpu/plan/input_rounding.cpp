// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/input_rounding.hpp"

#include <algorithm>
#include <limits>

#include "kernels/narrow_kernels.hpp"
#include "twinpatch/core/checked.hpp"

namespace twinpatch::cpu {

InputRounding::InputRounding(const LayerNumbers& numbers, std::int64_t values, std::int64_t batch)
    : numbers_(numbers), steps_(integer_steps(numbers.range)), values_(values) {
  constexpr std::int64_t kAlignment = 64;
  if (numbers.precision == Precision::bf16) scratch_bytes_ = batch * values * 2;
  if (numbers.precision == Precision::int8) {
    flags_ = batch * values;
    scratch_bytes_ = flags_ + batch;
  }
  scratch_bytes_ = ceil_divide(scratch_bytes_, kAlignment) * kAlignment;
}

const void* InputRounding::round(const float* in, std::int64_t batch, std::byte* scratch) const {
  if (numbers_.precision == Precision::bf16) {
    narrow_kernels().to_bfloat16(in, batch * values_, reinterpret_cast<std::uint16_t*>(scratch));
    return scratch;
  }
  if (numbers_.precision != Precision::int8) return in;
  round_to_integers(in, batch, scratch);
  return scratch;
}

void InputRounding::round_to_integers(const float* in, std::int64_t batch, std::byte* scratch) const {
  const NarrowRange range{1 / steps_.step, steps_.is_signed ? -127 : 0, steps_.is_signed ? 127 : 255};
  std::int64_t saturated = 0;
  for (std::int64_t item = 0; item < batch; ++item) {
    auto* const out = reinterpret_cast<std::uint8_t*>(scratch) + item * values_;
    const NarrowLosses losses = narrow_kernels().to_integers(in + item * values_, values_, range, out);
    saturated += losses.saturated;
    scratch[flags_ + item] = std::byte{losses.not_finite};
  }
  if (numbers_.saturation == nullptr) return;
  numbers_.saturation->values += batch * values_;
  if (saturated > 0) numbers_.saturation->saturated += saturated;
}

void InputRounding::spoil(const std::byte* scratch, std::int64_t batch, float* out, std::int64_t values) const {
  if (numbers_.precision != Precision::int8) return;
  for (std::int64_t item = 0; item < batch; ++item) {
    if (scratch[flags_ + item] == std::byte{0}) continue;
    std::fill_n(out + item * values, values, std::numeric_limits<float>::quiet_NaN());
  }
}

}  // namespace twinpatch::cpu
