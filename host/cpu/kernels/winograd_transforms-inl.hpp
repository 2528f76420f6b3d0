// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0

// Transforms of winograd_kernels.cpp, of one tile each. Included once per instruction set: the guard is Highway's own
// for such headers.
#if defined(TWINPATCH_WINOGRAD_TRANSFORMS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TWINPATCH_WINOGRAD_TRANSFORMS_INL
#undef TWINPATCH_WINOGRAD_TRANSFORMS_INL
#else
#define TWINPATCH_WINOGRAD_TRANSFORMS_INL
#endif

#include <hwy/highway.h>

#include <cstdint>

#include "kernels/winograd_kernels.hpp"
#include "kernels/winograd_matrices.hpp"
#include "kernels/winograd_product-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace twinpatch::cpu::HWY_NAMESPACE {
namespace {

// ---- One-dimensional transforms: sums with constant coefficients, zeros and ones left out

template <int kOutputs, int kTaps>
struct InputRow {
  static constexpr int kTerms = kWinograd<kOutputs, kTaps>.kInputs;
  static constexpr int kRows = kWinograd<kOutputs, kTaps>.kPoints;
  static constexpr double at(int row, int term) { return kWinograd<kOutputs, kTaps>.input[row][term]; }
};
template <int kOutputs, int kTaps>
struct OutputRow {
  static constexpr int kTerms = kWinograd<kOutputs, kTaps>.kPoints;
  static constexpr int kRows = kOutputs;
  static constexpr double at(int row, int term) { return kWinograd<kOutputs, kTaps>.output[row][term]; }
};

constexpr bool equal(double a, double b) { return a - b < 1e-12 && b - a < 1e-12; }

/// 1 or −1 where the row after this one, that of the point −x, is this one times that with every odd term negated.
template <class Matrix>
constexpr int mirrored(int row) {
  for (const int sign : {1, -1}) {
    bool same = row + 1 < Matrix::kRows;
    for (int j = 0; same && j < Matrix::kTerms; ++j) {
      same = equal(Matrix::at(row + 1, j), (j % 2 == 0 ? sign : -sign) * Matrix::at(row, j));
    }
    if (same) return sign;
  }
  return 0;
}

/// Sum of every kStep-th term.
template <class Matrix, int kRow, int kTerm, int kStep, bool kFirst = true>
HWY_INLINE Vector sum_from(const Vector* HWY_RESTRICT values, Vector sum) {
  if constexpr (kTerm >= Matrix::kTerms) {
    return sum;
  } else {
    constexpr auto kFactor = static_cast<float>(Matrix::at(kRow, kTerm));
    if constexpr (kFactor == 0.0F) {
      return sum_from<Matrix, kRow, kTerm + kStep, kStep, kFirst>(values, sum);
    } else {
      const Vector value = values[kTerm];
      if constexpr (kFirst) {
        sum = kFactor == 1.0F ? value : hn::Mul(hn::Set(Tag(), kFactor), value);
      } else if constexpr (kFactor == 1.0F) {
        sum = hn::Add(sum, value);
      } else if constexpr (kFactor == -1.0F) {
        sum = hn::Sub(sum, value);
      } else {
        sum = hn::MulAdd(hn::Set(Tag(), kFactor), value, sum);
      }
      return sum_from<Matrix, kRow, kTerm + kStep, kStep, false>(values, sum);
    }
  }
}

/// out[row · stride] = Σ matrix[row][term] · values[term] for every row from kRow on.
template <class Matrix, int kRow = 0>
HWY_INLINE void transform(const Vector* HWY_RESTRICT values, float* HWY_RESTRICT out, std::int64_t stride) {
  if constexpr (kRow < Matrix::kRows) {
    constexpr int kMirror = mirrored<Matrix>(kRow);
    if constexpr (kMirror != 0) {
      const Vector even = sum_from<Matrix, kRow, 0, 2>(values, hn::Zero(Tag()));
      const Vector odd = sum_from<Matrix, kRow, 1, 2>(values, hn::Zero(Tag()));
      hn::StoreU(hn::Add(even, odd), Tag(), out);
      hn::StoreU(kMirror > 0 ? hn::Sub(even, odd) : hn::Sub(odd, even), Tag(), out + stride);
      transform<Matrix, kRow + 2>(values, out + 2 * stride, stride);
    } else {
      hn::StoreU(sum_from<Matrix, kRow, 0, 1>(values, hn::Zero(Tag())), Tag(), out);
      transform<Matrix, kRow + 1>(values, out + stride, stride);
    }
  }
}

// ---- Input: one tile, one vector of channels

struct Place {
  std::int64_t y, x;
};

/// `in` is the tile's first input; `place` is checked against the map where not `kInside`.
template <int kOutputs, int kTaps, bool kInside>
HWY_INLINE void transform_input(const WinogradTask& task, const float* HWY_RESTRICT in, Place place,
                                float* HWY_RESTRICT out, std::int64_t point_stride) {
  const auto [y, x] = place;
  using Matrix = InputRow<kOutputs, kTaps>;
  constexpr int kInputs = Matrix::kTerms;
  constexpr int kPoints = Matrix::kRows;
  HWY_ALIGN float half[kPoints * kInputs * kLanes];  // [row of points, column of inputs]
  Vector values[kInputs];
  for (int j = 0; j < kInputs; ++j) {
    for (int i = 0; i < kInputs; ++i) {
      const bool inside = kInside || (y + i >= 0 && y + i < task.height && x + j >= 0 && x + j < task.width);
      values[i] = inside ? hn::LoadU(Tag(), in + (i * task.width + j) * task.channels) : hn::Zero(Tag());
    }
    transform<Matrix>(values, half + j * kLanes, kInputs * kLanes);
  }
  for (int i = 0; i < kPoints; ++i) {
    for (int j = 0; j < kInputs; ++j) values[j] = hn::Load(Tag(), half + (i * kInputs + j) * kLanes);
    transform<Matrix>(values, out + i * kPoints * point_stride, point_stride);
  }
}

// ---- Output: one tile, one vector of output channels; products.at(point, channel) gives what was multiplied

template <int kOutputs, int kTaps, class Products>
HWY_INLINE void transform_output(const Products& products, std::int64_t c, float* HWY_RESTRICT out) {
  using Matrix = OutputRow<kOutputs, kTaps>;
  constexpr int kPoints = Matrix::kTerms;
  HWY_ALIGN float half[kOutputs * kPoints * kLanes];  // [row of outputs, column of points]
  Vector values[kPoints];
  for (int j = 0; j < kPoints; ++j) {
    for (int i = 0; i < kPoints; ++i) values[i] = products.at(i * kPoints + j, c);
    transform<Matrix>(values, half + j * kLanes, kPoints * kLanes);
  }
  for (int i = 0; i < kOutputs; ++i) {
    for (int j = 0; j < kPoints; ++j) values[j] = hn::Load(Tag(), half + (i * kPoints + j) * kLanes);
    transform<Matrix>(values, out + i * kOutputs * kLanes, kLanes);
  }
}

}  // namespace
}  // namespace twinpatch::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
