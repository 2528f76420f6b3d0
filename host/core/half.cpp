// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/core/half.hpp"

#include <bit>

namespace twinpatch {

namespace {

// binary16: 1 sign, 5 exponent (bias 15), 10 mantissa bits; binary32: 1, 8 (bias 127), 23.
constexpr std::uint32_t kFloatInfinity = 255u << 23;
constexpr std::uint32_t kHalfOverflow = (127u + 16u) << 23;        // 2^16 as float: from here on the result is infinity
constexpr std::uint32_t kHalfSmallestNormal = (127u - 14u) << 23;  // 2^-14
// 0.5 as float: its unit in the last place, 2^-24, is the smallest half, so adding it rounds to halves' subnormals.
constexpr std::uint32_t kSubnormalMagic = ((127u - 15u) + (23u - 10u) + 1u) << 23;

}  // namespace

std::uint16_t to_half(float value) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = bits & 0x80000000u;
  std::uint32_t magnitude = bits ^ sign;
  std::uint32_t result = 0;
  if (magnitude >= kHalfOverflow) {
    result = magnitude > kFloatInfinity ? 0x7e00u : 0x7c00u;
  } else if (magnitude < kHalfSmallestNormal) {
    const float rounded = std::bit_cast<float>(magnitude) + std::bit_cast<float>(kSubnormalMagic);
    result = std::bit_cast<std::uint32_t>(rounded) - kSubnormalMagic;
  } else {
    const std::uint32_t odd = (magnitude >> 13) & 1u;  // ties go to the even neighbour
    magnitude += (static_cast<std::uint32_t>(15 - 127) << 23) + 0xfffu + odd;
    result = magnitude >> 13;
  }
  return static_cast<std::uint16_t>(result | (sign >> 16));
}

float from_half(std::uint16_t bits) noexcept {
  const std::uint32_t sign = (bits & 0x8000u) << 16;
  std::uint32_t magnitude = (bits & 0x7fffu) << 13;
  const std::uint32_t exponent = magnitude & (0x7c00u << 13);
  magnitude += (127u - 15u) << 23;
  if (exponent == (0x7c00u << 13)) {
    magnitude += (128u - 16u) << 23;  // infinity, NaN
  } else if (exponent == 0) {
    // Zero and subnormals: let the subtraction normalise them.
    const float value = std::bit_cast<float>(magnitude + (1u << 23)) - std::bit_cast<float>(113u << 23);
    magnitude = std::bit_cast<std::uint32_t>(value);
  }
  return std::bit_cast<float>(magnitude | sign);
}

std::uint16_t to_bfloat16(float value) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffffu) > kFloatInfinity) return static_cast<std::uint16_t>((bits >> 16) | 0x40u);  // quiet NaN
  return static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

float from_bfloat16(std::uint16_t bits) noexcept {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

}  // namespace twinpatch
