// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0

// The register tile of screened grids, over an instruction set:
//   Vector                                  32-bit lanes; kLanes of them
//   load(p), store(p, v), broadcast(p)      p: 4 bytes for each lane; broadcast reads 4 bytes
//   max(a, b)                               of unsigned bytes
//   add_products(sum, u, s)                 sum + Σ of four products of unsigned and signed bytes
// Included by a file that is compiled for that instruction set, into its unnamed namespace.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels/screen_products.hpp"

namespace twinpatch::cpu {
namespace {

template <class Isa, bool kHead, int kRows>
inline __attribute__((always_inline)) void screen_tile(const ScreenWork& work, std::int64_t first, std::int32_t* out) {
  using Vector = typename Isa::Vector;
  constexpr int kVectors = Isa::kVectors;
  constexpr int kBytes = 4 * Isa::kLanes;
  const std::uint8_t* left = work.left + first * work.depth;
  const std::uint8_t* right = work.right;
  Vector sums[kRows][kVectors];
  for (int i = 0; i < kRows; ++i) {
    for (int n = 0; n < kVectors; ++n) sums[i][n] = Isa::load(work.starts + n * Isa::kLanes);
  }
  for (std::int64_t k = 0; k < work.depth; k += 4, right += kVectors * kBytes) {
    Vector columns[kVectors];
    for (int n = 0; n < kVectors; ++n) columns[n] = Isa::load(right + n * kBytes);
    Vector weights{};
    if constexpr (kHead) weights = Isa::broadcast(work.weights + k);
    for (int i = 0; i < kRows; ++i) {
      const Vector row = Isa::broadcast(left + i * work.depth + k);
      for (int n = 0; n < kVectors; ++n) {
        if constexpr (kHead) {
          sums[i][n] = Isa::add_products(sums[i][n], Isa::max(columns[n], row), weights);
        } else {
          sums[i][n] = Isa::add_products(sums[i][n], row, columns[n]);
        }
      }
    }
  }
  for (int i = 0; i < kRows; ++i) {
    for (int n = 0; n < kVectors; ++n) Isa::store(out + (i * kVectors + n) * Isa::kLanes, sums[i][n]);
  }
}

template <class Isa, bool kHead>
void screen_strip(const ScreenWork& work, std::int32_t* out) {
  constexpr std::int64_t kPanel = Isa::kLanes * Isa::kVectors;
  std::int64_t i = 0;
  for (; i + Isa::kTileRows <= work.rows; i += Isa::kTileRows) {
    screen_tile<Isa, kHead, Isa::kTileRows>(work, i, out + i * kPanel);
  }
  for (; i < work.rows; ++i) screen_tile<Isa, kHead, 1>(work, i, out + i * kPanel);
}

#ifdef __AVX512BW__
struct Bits512 {
  using Vector = __m512i;
  static constexpr int kLanes = 16;
  static constexpr int kVectors = 3;
  static constexpr int kTileRows = 8;

  static Vector load(const void* from) { return _mm512_loadu_si512(from); }
  static void store(void* to, Vector value) { _mm512_storeu_si512(to, value); }
  static Vector broadcast(const void* from) {
    std::int32_t four = 0;
    __builtin_memcpy(&four, from, 4);
    return _mm512_set1_epi32(four);
  }
  static Vector max(Vector a, Vector b) { return _mm512_max_epu8(a, b); }
};
#endif

struct Bits256 {
  using Vector = __m256i;
  static constexpr int kLanes = 8;
  static constexpr int kVectors = 2;
  static constexpr int kTileRows = 5;  // 10 sums, 2 columns, the ones, a row and its product: 15 of 16 registers

  static Vector load(const void* from) { return _mm256_loadu_si256(static_cast<const __m256i*>(from)); }
  static void store(void* to, Vector value) { _mm256_storeu_si256(static_cast<__m256i*>(to), value); }
  static Vector broadcast(const void* from) {
    std::int32_t four = 0;
    __builtin_memcpy(&four, from, 4);
    return _mm256_set1_epi32(four);
  }
  static Vector max(Vector a, Vector b) { return _mm256_max_epu8(a, b); }
};

}  // namespace
}  // namespace twinpatch::cpu
