// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include <cstdint>

#include "kernels/paired_products.hpp"

// Highway 1.0 has these products as a multiplication and an addition; the instruction that does both is twice as fast.

namespace twinpatch::cpu {
extern const PairedProducts kAvx512VnniProducts;

namespace {

constexpr std::int64_t kLanes = kPairedLanes;

/// Accumulators, columns and a broadcast fill the 32 registers.
constexpr int tile_rows(int vectors) { return vectors == 4 ? 6 : (vectors == 3 ? 8 : 12); }

/// `kRows` rows from row `first` on; it fetches a line of `next` every step.
template <int kVectors, int kRows>
inline __attribute__((always_inline)) void multiply_tile(const PairedProduct& product, std::int64_t first,
                                                         const std::int16_t* next) {
  const std::int64_t depth = product.depth;
  const std::int16_t* left = product.left + first * depth;
  const std::int16_t* right = product.right;
  __m512i sums[kRows][kVectors];
  for (int i = 0; i < kRows; ++i) {
    for (int n = 0; n < kVectors; ++n) sums[i][n] = _mm512_setzero_si512();
  }
  for (std::int64_t k = 0; k < depth; k += 2, right += 2 * kVectors * kLanes, next += 2 * kLanes) {
    __m512i columns[kVectors];
    for (int n = 0; n < kVectors; ++n) columns[n] = _mm512_loadu_si512(right + 2 * n * kLanes);
    _mm_prefetch(reinterpret_cast<const char*>(next), _MM_HINT_T0);
    for (int i = 0; i < kRows; ++i) {
      std::int32_t pair = 0;
      __builtin_memcpy(&pair, left + i * depth + k, sizeof(pair));
      const __m512i row = _mm512_set1_epi32(pair);
      for (int n = 0; n < kVectors; ++n) sums[i][n] = _mm512_dpwssd_epi32(sums[i][n], row, columns[n]);
    }
  }
  for (int i = 0; i < kRows; ++i) {
    for (int n = 0; n < kVectors; ++n) {
      _mm512_storeu_si512(product.out + ((first + i) * kVectors + n) * kLanes, sums[i][n]);
    }
  }
}

/// The rows from `first` on, fewer than a tile has: by ever smaller ones.
template <int kVectors, int kRows>
void multiply_rest(const PairedProduct& product, std::int64_t first, const std::int16_t* next) {
  for (; product.rows - first >= kRows; first += kRows) {
    multiply_tile<kVectors, kRows>(product, first, next);
  }
  if constexpr (kRows > 1) multiply_rest<kVectors, kRows / 2>(product, first, next);
}

/// While it runs, it fetches the matrix after `right`, which comes from a slower cache than the rows.
template <int kVectors>
void multiply_panel(const PairedProduct& product) {
  constexpr int kRows = tile_rows(kVectors);
  const std::int64_t matrix = product.depth * kVectors * kLanes;
  const std::int16_t* const end = product.right + 2 * matrix;
  const std::int16_t* next = product.right + matrix;
  std::int64_t i = 0;
  for (; i + kRows <= product.rows; i += kRows) {
    multiply_tile<kVectors, kRows>(product, i, next);
    next += product.depth * kLanes;
    if (next >= end) next = product.right + matrix;
  }
  multiply_rest<kVectors, kRows / 2>(product, i, next);
}

void multiply(std::int64_t vectors, const PairedProduct& product) {
  if (vectors == 4) return multiply_panel<4>(product);
  if (vectors == 3) return multiply_panel<3>(product);
  if (vectors == 2) return multiply_panel<2>(product);
  multiply_panel<1>(product);
}

}  // namespace

const PairedProducts kAvx512VnniProducts{"AVX-512 VNNI", &multiply};

}  // namespace twinpatch::cpu
