// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/core/half.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

using namespace twinpatch;

namespace {

/// binary16 by its definition.
double half_by_definition(std::uint16_t bits) {
  const double sign = (bits & 0x8000) != 0 ? -1.0 : 1.0;
  const int exponent = (bits >> 10) & 31;
  const int mantissa = bits & 1023;
  if (exponent == 0) return sign * std::ldexp(mantissa, -24);
  return sign * std::ldexp(1024 + mantissa, exponent - 25);
}

}  // namespace

TEST_CASE("every half is widened exactly and comes back") {
  for (std::uint32_t i = 0; i < 0x10000; ++i) {
    const auto bits = static_cast<std::uint16_t>(i);
    const float value = from_half(bits);
    if ((bits & 0x7c00) == 0x7c00) {
      if ((bits & 0x3ff) != 0) {
        REQUIRE(std::isnan(value));
        REQUIRE(std::isnan(from_half(to_half(value))));
        continue;
      }
      REQUIRE(std::isinf(value));
    } else {
      REQUIRE(static_cast<double>(value) == half_by_definition(bits));
    }
    REQUIRE(std::signbit(value) == ((bits & 0x8000) != 0));
    REQUIRE(to_half(value) == bits);
  }
}

TEST_CASE("floats between two halves round to the nearer, ties to even") {
  for (std::uint32_t i = 0; i < 0x7bff; ++i) {
    const auto below = static_cast<std::uint16_t>(i);
    const auto above = static_cast<std::uint16_t>(i + 1);
    const auto middle = static_cast<float>((half_by_definition(below) + half_by_definition(above)) / 2);  // exact
    REQUIRE(to_half(middle) == (below % 2 == 0 ? below : above));
    REQUIRE(to_half(std::nextafter(middle, 0.0f)) == below);
    REQUIRE(to_half(std::nextafter(middle, 1e9f)) == above);
    REQUIRE(to_half(-middle) == ((below % 2 == 0 ? below : above) | 0x8000));
  }
  CHECK(to_half(65519.996f) == 0x7bff);
  CHECK(to_half(65520.0f) == 0x7c00);
  CHECK(to_half(-1e30f) == 0xfc00);
  CHECK(to_half(1e-30f) == 0);
}

TEST_CASE("bfloat16 widens exactly and rounds to nearest even") {
  for (std::uint32_t i = 0; i < 0x10000; ++i) {
    const auto bits = static_cast<std::uint16_t>(i);
    const float value = from_bfloat16(bits);
    if (std::isnan(value)) {
      REQUIRE(std::isnan(from_bfloat16(to_bfloat16(value))));
    } else {
      REQUIRE(to_bfloat16(value) == bits);
    }
  }
  for (std::uint32_t i = 0; i < 0x7f7f; ++i) {
    const auto below = static_cast<std::uint16_t>(i);
    const auto above = static_cast<std::uint16_t>(i + 1);
    const auto middle =
        static_cast<float>((static_cast<double>(from_bfloat16(below)) + static_cast<double>(from_bfloat16(above))) / 2);
    REQUIRE(to_bfloat16(middle) == (below % 2 == 0 ? below : above));
    REQUIRE(to_bfloat16(std::nextafter(middle, 0.0f)) == below);
    REQUIRE(to_bfloat16(std::nextafter(middle, std::numeric_limits<float>::max())) == above);
  }
  CHECK(to_bfloat16(std::numeric_limits<float>::max()) == 0x7f80);
  CHECK(to_bfloat16(-std::numeric_limits<float>::infinity()) == 0xff80);
}
