// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0

// Matrix products of winograd_kernels.cpp, [tiles, channels] · [channels, panel]. Included once per instruction set:
// the guard is Highway's own for such headers.
#if defined(TWINPATCH_WINOGRAD_PRODUCT_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TWINPATCH_WINOGRAD_PRODUCT_INL
#undef TWINPATCH_WINOGRAD_PRODUCT_INL
#else
#define TWINPATCH_WINOGRAD_PRODUCT_INL
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace twinpatch::cpu::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::CappedTag<float, 16>;
using Vector = hn::Vec<Tag>;

inline constexpr std::int64_t kLanes = hn::MaxLanes(Tag());
#if HWY_TARGET <= HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr std::int64_t kRegisters = 32;
#else
inline constexpr std::int64_t kRegisters = 16;
#endif

/// Rows of the register tile beside `vectors` columns: accumulators, columns and one broadcast fill the registers.
constexpr std::int64_t tile_rows(std::int64_t vectors) {
  const std::int64_t rows = (kRegisters - 1 - vectors) / vectors;
  return rows > 12 ? 12 : (rows == 9 ? 8 : rows);
}

/// out [rows, panel] = left [rows, depth] · right [depth, panel]
struct Product {
  const float* left;
  std::int64_t rows, depth;
  const float* right;
  float* out;
};

/// Rows from row `first` on; it fetches a line of `next` every step.
template <std::int64_t kRows, std::int64_t kVectors>
HWY_INLINE void multiply_tile(const Product& product, std::int64_t first, const float* next, std::int64_t next_step) {
  const Tag d;
  const std::int64_t depth = product.depth;
  const float* HWY_RESTRICT left = product.left + first * depth;
  const float* HWY_RESTRICT right = product.right;
  float* HWY_RESTRICT out = product.out + first * kVectors * kLanes;
  Vector sums[kRows][kVectors];
  for (std::int64_t i = 0; i < kRows; ++i) {
    for (std::int64_t n = 0; n < kVectors; ++n) sums[i][n] = hn::Zero(d);
  }
  for (std::int64_t k = 0; k < depth; ++k) {
    Vector columns[kVectors];
    for (std::int64_t n = 0; n < kVectors; ++n) columns[n] = hn::LoadU(d, right + (k * kVectors + n) * kLanes);
    hwy::Prefetch(next + k * next_step);
    for (std::int64_t i = 0; i < kRows; ++i) {
      const Vector value = hn::Set(d, left[i * depth + k]);
      for (std::int64_t n = 0; n < kVectors; ++n) sums[i][n] = hn::MulAdd(value, columns[n], sums[i][n]);
    }
  }
  for (std::int64_t i = 0; i < kRows; ++i) {
    for (std::int64_t n = 0; n < kVectors; ++n) hn::StoreU(sums[i][n], d, out + (i * kVectors + n) * kLanes);
  }
}

/// While it runs, it fetches the matrix after `right`, which comes from a slower cache than the inputs.
template <std::int64_t kVectors>
void multiply(const Product& product) {
  constexpr std::int64_t kRows = tile_rows(kVectors);
  constexpr std::int64_t kPanel = kVectors * kLanes;
  const std::int64_t next_step = (kPanel * kRows + product.rows - 1) / product.rows;
  const float* next = product.right + product.depth * kPanel;
  for (std::int64_t i = 0; i < product.rows; i += kRows, next += product.depth * next_step) {
    multiply_tile<kRows, kVectors>(product, i, next, next_step);
  }
}

inline void multiply_panel(std::int64_t vectors, const Product& product) {
#if HWY_TARGET <= HWY_AVX3 || HWY_TARGET == HWY_NEON
  if (vectors == 3) return multiply<3>(product);
  if (vectors == 4) return multiply<4>(product);
#endif
  if (vectors == 2) return multiply<2>(product);
  multiply<1>(product);
}

}  // namespace
}  // namespace twinpatch::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
