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
  static constexpr int kTerms = kOutputs + kTaps - 1;
  static constexpr float at(int row, int term) {
    return static_cast<float>(kWinograd<kOutputs, kTaps>.input[row][term]);
  }
};
template <int kOutputs, int kTaps>
struct OutputRow {
  static constexpr int kTerms = kOutputs + kTaps - 1;
  static constexpr float at(int row, int term) {
    return static_cast<float>(kWinograd<kOutputs, kTaps>.output[row][term]);
  }
};

template <class Matrix, int kRow, int kTerm, bool kFirst>
HWY_INLINE Vector sum_from(const Vector* HWY_RESTRICT values, Vector sum) {
  if constexpr (kTerm == Matrix::kTerms) {
    return sum;
  } else {
    constexpr float kFactor = Matrix::at(kRow, kTerm);
    if constexpr (kFactor == 0.0F) {
      return sum_from<Matrix, kRow, kTerm + 1, kFirst>(values, sum);
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
      return sum_from<Matrix, kRow, kTerm + 1, false>(values, sum);
    }
  }
}

/// out[row · stride] = Σ matrix[row][term] · values[term] for every row from kRow on.
template <class Matrix, int kRow, int kRows>
HWY_INLINE void transform(const Vector* HWY_RESTRICT values, float* HWY_RESTRICT out, std::int64_t stride) {
  if constexpr (kRow < kRows) {
    hn::StoreU(sum_from<Matrix, kRow, 0, true>(values, hn::Zero(Tag())), Tag(), out);
    transform<Matrix, kRow + 1, kRows>(values, out + stride, stride);
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
  constexpr int kPoints = kOutputs + kTaps - 1;
  using Matrix = InputRow<kOutputs, kTaps>;
  HWY_ALIGN float half[kPoints * kPoints * kLanes];  // [row of points, column of inputs]
  Vector values[kPoints];
  for (int j = 0; j < kPoints; ++j) {
    for (int i = 0; i < kPoints; ++i) {
      const bool inside = kInside || (y + i >= 0 && y + i < task.height && x + j >= 0 && x + j < task.width);
      values[i] = inside ? hn::LoadU(Tag(), in + (i * task.width + j) * task.channels) : hn::Zero(Tag());
    }
    transform<Matrix, 0, kPoints>(values, half + j * kLanes, kPoints * kLanes);
  }
  for (int i = 0; i < kPoints; ++i) {
    for (int j = 0; j < kPoints; ++j) values[j] = hn::Load(Tag(), half + (i * kPoints + j) * kLanes);
    transform<Matrix, 0, kPoints>(values, out + i * kPoints * point_stride, point_stride);
  }
}

// ---- Output: one tile, one vector of output channels; products.at(point, channel) gives what was multiplied

template <int kOutputs, int kTaps, class Products>
HWY_INLINE void transform_output(const Products& products, std::int64_t c, float* HWY_RESTRICT out) {
  constexpr int kPoints = kOutputs + kTaps - 1;
  using Matrix = OutputRow<kOutputs, kTaps>;
  HWY_ALIGN float half[kOutputs * kPoints * kLanes];  // [row of outputs, column of points]
  Vector values[kPoints];
  for (int j = 0; j < kPoints; ++j) {
    for (int i = 0; i < kPoints; ++i) values[i] = products.at(i * kPoints + j, c);
    transform<Matrix, 0, kOutputs>(values, half + j * kLanes, kPoints * kLanes);
  }
  for (int i = 0; i < kOutputs; ++i) {
    for (int j = 0; j < kPoints; ++j) values[j] = hn::Load(Tag(), half + (i * kPoints + j) * kLanes);
    transform<Matrix, 0, kOutputs>(values, out + i * kOutputs * kLanes, kLanes);
  }
}

}  // namespace
}  // namespace twinpatch::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
