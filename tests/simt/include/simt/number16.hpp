// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "simt/float16.hpp"

#include <cmath>
#include <cstdint>

#include "vector_types.h"

// What __half and __nv_bfloat16 have in common: the number, a pair of them, and the functions that CUDA calls by one
// name for both. Arithmetic is in fp32, rounded to nearest even after each operation, as a device rounds; fused where
// CUDA fuses.

namespace simt {

struct Binary16 {
  static std::uint16_t encode(float value) { return encode_half(value); }
  static float decode(std::uint16_t bits) { return decode_half(bits); }
};
struct Brain16 {
  static std::uint16_t encode(float value) { return encode_bfloat16(value); }
  static float decode(std::uint16_t bits) { return decode_bfloat16(bits); }
};

template <class Format>
struct Number16 {
  std::uint16_t bits;
  Number16() = default;
  Number16(float value) : bits(Format::encode(value)) {}  // NOLINT: CUDA converts implicitly too
  explicit Number16(double value) : Number16(static_cast<float>(value)) {}
  explicit Number16(int value) : Number16(static_cast<float>(value)) {}
  operator float() const { return Format::decode(bits); }
  [[nodiscard]] float wide() const { return Format::decode(bits); }
  [[nodiscard]] static Number16 of(std::uint16_t bits) {
    Number16 number;
    number.bits = bits;
    return number;
  }

  friend Number16 __hadd(Number16 a, Number16 b) { return {a.wide() + b.wide()}; }
  friend Number16 __hsub(Number16 a, Number16 b) { return {a.wide() - b.wide()}; }
  friend Number16 __hmul(Number16 a, Number16 b) { return {a.wide() * b.wide()}; }
  friend Number16 __hdiv(Number16 a, Number16 b) { return {a.wide() / b.wide()}; }
  friend Number16 __hmax(Number16 a, Number16 b) { return {std::fmax(a.wide(), b.wide())}; }
  /// What is not a number wins.
  friend Number16 __hmax_nan(Number16 a, Number16 b) { return std::isnan(a.wide()) || a.wide() > b.wide() ? a : b; }
  friend Number16 __hmin(Number16 a, Number16 b) { return {std::fmin(a.wide(), b.wide())}; }
  friend Number16 __hneg(Number16 a) { return {-a.wide()}; }
  friend Number16 __habs(Number16 a) { return {std::fabs(a.wide())}; }
  /// The exact product and sum, rounded once: double holds both.
  friend Number16 __hfma(Number16 a, Number16 b, Number16 c) {
    return {round_odd(static_cast<double>(a.wide()) * b.wide() + c.wide())};
  }
  /// max(fma, 0); NaN becomes 0, as on a device.
  friend Number16 __hfma_relu(Number16 a, Number16 b, Number16 c) {
    const Number16 value = __hfma(a, b, c);
    return value.wide() > 0.0f ? value : Number16(0.0f);
  }
  friend bool __hgt(Number16 a, Number16 b) { return a.wide() > b.wide(); }
  friend bool __hge(Number16 a, Number16 b) { return a.wide() >= b.wide(); }
  friend bool __hlt(Number16 a, Number16 b) { return a.wide() < b.wide(); }
  friend bool __hle(Number16 a, Number16 b) { return a.wide() <= b.wide(); }
  friend bool __heq(Number16 a, Number16 b) { return a.wide() == b.wide(); }
  friend bool __hisnan(Number16 a) { return std::isnan(a.wide()); }

  friend Number16 operator+(Number16 a, Number16 b) { return __hadd(a, b); }
  friend Number16 operator-(Number16 a, Number16 b) { return __hsub(a, b); }
  friend Number16 operator*(Number16 a, Number16 b) { return __hmul(a, b); }
  friend Number16 operator/(Number16 a, Number16 b) { return __hdiv(a, b); }
  friend Number16& operator+=(Number16& a, Number16 b) { return a = a + b; }
  friend bool operator>(Number16 a, Number16 b) { return __hgt(a, b); }
  friend bool operator>=(Number16 a, Number16 b) { return __hge(a, b); }
  friend bool operator<(Number16 a, Number16 b) { return __hlt(a, b); }
  friend bool operator<=(Number16 a, Number16 b) { return __hle(a, b); }
  friend bool operator==(Number16 a, Number16 b) { return __heq(a, b); }
};

/// Two of them in 32 bits, one operation on both.
template <class Format>
struct alignas(4) Pair16 {
  using Number = Number16<Format>;
  Number x;
  Number y;

  friend Pair16 __hadd2(Pair16 a, Pair16 b) { return {__hadd(a.x, b.x), __hadd(a.y, b.y)}; }
  friend Pair16 __hsub2(Pair16 a, Pair16 b) { return {__hsub(a.x, b.x), __hsub(a.y, b.y)}; }
  friend Pair16 __hmul2(Pair16 a, Pair16 b) { return {__hmul(a.x, b.x), __hmul(a.y, b.y)}; }
  friend Pair16 __hmax2(Pair16 a, Pair16 b) { return {__hmax(a.x, b.x), __hmax(a.y, b.y)}; }
  friend Pair16 __hmax2_nan(Pair16 a, Pair16 b) { return {__hmax_nan(a.x, b.x), __hmax_nan(a.y, b.y)}; }
  friend Pair16 __hmin2(Pair16 a, Pair16 b) { return {__hmin(a.x, b.x), __hmin(a.y, b.y)}; }
  friend Pair16 __hneg2(Pair16 a) { return {__hneg(a.x), __hneg(a.y)}; }
  friend Pair16 __hfma2(Pair16 a, Pair16 b, Pair16 c) { return {__hfma(a.x, b.x, c.x), __hfma(a.y, b.y, c.y)}; }
  friend Pair16 __hfma2_relu(Pair16 a, Pair16 b, Pair16 c) {
    return {__hfma_relu(a.x, b.x, c.x), __hfma_relu(a.y, b.y, c.y)};
  }
  friend float __low2float(Pair16 a) { return a.x.wide(); }
  friend float __high2float(Pair16 a) { return a.y.wide(); }
  friend Pair16 operator+(Pair16 a, Pair16 b) { return __hadd2(a, b); }
  friend Pair16 operator-(Pair16 a, Pair16 b) { return __hsub2(a, b); }
  friend Pair16 operator*(Pair16 a, Pair16 b) { return __hmul2(a, b); }
};

}  // namespace simt
