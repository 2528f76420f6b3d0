// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>

#include "runtime/number_type.hpp"
#include "twinpatch/core/half.hpp"

// Numbers as the device stores them, for reference code that stands in for the vendor's libraries.

namespace twinpatch::cuda::stand_in {

inline float load(const void* values, std::int64_t i, NumberType type) {
  switch (type) {
    case NumberType::fp32:
      return static_cast<const float*>(values)[i];
    case NumberType::fp16:
      return from_half(static_cast<const std::uint16_t*>(values)[i]);
    case NumberType::bf16:
      return from_bfloat16(static_cast<const std::uint16_t*>(values)[i]);
  }
  return 0.0F;
}

inline void store(void* values, std::int64_t i, float value, NumberType type) {
  switch (type) {
    case NumberType::fp32:
      static_cast<float*>(values)[i] = value;
      return;
    case NumberType::fp16:
      static_cast<std::uint16_t*>(values)[i] = to_half(value);
      return;
    case NumberType::bf16:
      static_cast<std::uint16_t*>(values)[i] = to_bfloat16(value);
      return;
  }
}

/// As tensor cores read a float in tf32: 10 bits of mantissa, to nearest even.
inline float to_tf32(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7f800000U) == 0x7f800000U) return value;  // infinite or not a number
  return std::bit_cast<float>((bits + 0xfffU + ((bits >> 13) & 1U)) & 0xffffe000U);
}

/// A factor of a product in this precision.
inline float factor(const void* values, std::int64_t i, Precision precision, NumberType type) {
  const float value = load(values, i, type);
  return precision == Precision::tf32 ? to_tf32(value) : value;
}

}  // namespace twinpatch::cuda::stand_in
