// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0

// Rows of float32 as rows of 16-bit integers (paired_products.hpp). Included once per instruction set: the guard is
// Highway's own for such headers.
#if defined(TWINPATCH_PAIRED_ROWS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TWINPATCH_PAIRED_ROWS_INL
#undef TWINPATCH_PAIRED_ROWS_INL
#else
#define TWINPATCH_PAIRED_ROWS_INL
#endif

#include <hwy/highway.h>

#include <cstdint>

#include "kernels/paired_products.hpp"

HWY_BEFORE_NAMESPACE();
namespace twinpatch::cpu::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

/// value · factor to the nearest integer, of less than 2¹⁵ in magnitude: the low bits of a number of 1.5 · 2²³ and
/// more. (NearestInt and DemoteTo look after values out of range, with three times as many instructions.)
template <class D, class Vector>
HWY_INLINE void store_rounded(D d, Vector value, Vector factor, std::int16_t* HWY_RESTRICT out) {
  const hn::RebindToUnsigned<D> bits;
  const hn::Rebind<std::uint16_t, D> narrow;
  const auto shifted = hn::MulAdd(value, factor, hn::Set(d, 0x1.8p23F));
  hn::StoreU(hn::TruncateTo(narrow, hn::BitCast(bits, shifted)), narrow, reinterpret_cast<std::uint16_t*>(out));
}

/// `count` values, a multiple of 16, as integers: value ≈ step · integer. Returns the step: NaN, with zeros, where a
/// value is not finite. Whatever the values are.
inline float narrow_row(const float* HWY_RESTRICT values, std::int64_t count, std::int16_t* HWY_RESTRICT out) {
  const hn::CappedTag<float, 16> d;
  const hn::RebindToSigned<decltype(d)> bits;
  const hn::Rebind<std::int16_t, decltype(d)> narrow;
  constexpr std::int64_t kStep = hn::MaxLanes(d);
  constexpr std::int32_t kInfinity = 0x7f800000;
  constexpr float kSmallest = 0x1p-100F;  // its inverse is finite; smaller rows lose bits, not their meaning
  // The largest magnitude, by its bits: a maximum of floats may leave out what is not a number.
  auto magnitude = hn::Zero(bits);
  for (std::int64_t c = 0; c < count; c += kStep) {
    magnitude = hn::Max(magnitude, hn::BitCast(bits, hn::Abs(hn::LoadU(d, values + c))));
  }
  const std::int32_t largest_bits = hn::GetLane(hn::MaxOfLanes(bits, magnitude));
  if (largest_bits >= kInfinity) {
    for (std::int64_t c = 0; c < count; c += kStep) hn::StoreU(hn::Zero(narrow), narrow, out + c);
    return hn::GetLane(hn::BitCast(d, hn::Set(bits, 0x7fc00000)));
  }
  const float largest = hn::GetLane(hn::BitCast(d, hn::Set(bits, largest_bits)));
  const float scale = 1 / (largest > kSmallest ? largest : kSmallest);  // squares neither overflow nor vanish
  const auto to_one = hn::Set(d, scale);
  auto squares = hn::Zero(d);
  for (std::int64_t c = 0; c < count; c += kStep) {
    const auto value = hn::Mul(hn::LoadU(d, values + c), to_one);
    squares = hn::MulAdd(value, value, squares);
  }
  const float norm = hn::GetLane(hn::Sqrt(hn::SumOfLanes(d, squares)));
  const auto to_norm = hn::Set(d, norm > 0 ? kRowNorm / norm : 0);
  for (std::int64_t c = 0; c < count; c += kStep) {
    store_rounded(d, hn::Mul(hn::LoadU(d, values + c), to_one), to_norm, out + c);
  }
  return norm / kRowNorm / scale;
}

/// Rows of float32, `stride` apart, and where their integers and steps go.
struct NarrowedRows {
  const float* values;
  std::int64_t stride, count;
  std::int16_t* integers;
  std::int64_t integer_stride;
  float* steps;
  std::int64_t step_stride;
  const float* factors;  ///< multiplied into the rows' steps; null: none
};

/// Lane i: the sum of rows[i].
template <class D, class Vector, std::int64_t kRows>
HWY_INLINE Vector sums_of_rows(D d, Vector (&rows)[kRows]) {
#if HWY_TARGET == HWY_SCALAR
  static_cast<void>(d);  // one lane, one row
#else
  for (std::int64_t left = kRows; left > 1; left /= 2) {
    for (std::int64_t i = 0; i < left / 2; ++i) {
      rows[i] =
          hn::Add(hn::ConcatEven(d, rows[2 * i + 1], rows[2 * i]), hn::ConcatOdd(d, rows[2 * i + 1], rows[2 * i]));
    }
  }
#endif
  return rows[0];
}

/// As narrow_row, as many rows at a time as a vector has lanes: a row's sum, root and quotient alone would be waited
/// for.
inline void narrow_rows(const NarrowedRows& rows, std::int64_t row_count) {
  const hn::CappedTag<float, 16> d;
  constexpr std::int64_t kLanes = hn::MaxLanes(d);
  const auto smallest = hn::Set(d, 1e-24F);  // of sums of squares that lost nothing worth having
  const auto largest = hn::Set(d, 1e+36F);
  for (std::int64_t first = 0; first < row_count; first += kLanes) {
    const std::int64_t group = row_count - first < kLanes ? row_count - first : kLanes;
    hn::Vec<decltype(d)> squares[kLanes];
    for (std::int64_t r = 0; r < kLanes; ++r) {
      squares[r] = hn::Set(d, r < group ? 0.0F : 1.0F);
      const float* from = rows.values + (first + r) * rows.stride;
      for (std::int64_t c = 0; r < group && c < rows.count; c += kLanes) {
        const auto value = hn::LoadU(d, from + c);
        squares[r] = hn::MulAdd(value, value, squares[r]);
      }
    }
    const auto sums = sums_of_rows(d, squares);
    const bool usual = hn::AllTrue(d, hn::And(hn::Ge(sums, smallest), hn::Le(sums, largest)));
    HWY_ALIGN float norms[kLanes];
    HWY_ALIGN float factors[kLanes];
    const auto norm = hn::Sqrt(sums);
    hn::Store(norm, d, norms);
    hn::Store(hn::Div(hn::Set(d, kRowNorm), norm), d, factors);
    for (std::int64_t r = 0; r < group; ++r) {
      const std::int64_t row = first + r;
      const float* from = rows.values + row * rows.stride;
      std::int16_t* to = rows.integers + row * rows.integer_stride;
      const float row_factor = rows.factors != nullptr ? rows.factors[row] : 1.0F;
      float& step = rows.steps[row * rows.step_stride];
      if (!usual) {
        step = narrow_row(from, rows.count, to) * row_factor;
        continue;
      }
      step = norms[r] * (1 / kRowNorm) * row_factor;
      const auto factor = hn::Set(d, factors[r]);
      for (std::int64_t c = 0; c < rows.count; c += kLanes) {
        store_rounded(d, hn::LoadU(d, from + c), factor, to + c);
      }
    }
  }
}

}  // namespace
}  // namespace twinpatch::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
