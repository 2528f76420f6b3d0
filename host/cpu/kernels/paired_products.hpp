// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// Matrix products of 16-bit integers, two terms an instruction and lane: what AVX-512 does at twice float32's rate, and
// as fast as of bfloat16, which keeps 8 bits where these keep 12 or more of a row that is scaled by its norm.

namespace twinpatch::cpu {

/// Rows are scaled to this norm (root of the sum of squares) and then rounded, columns to at most the other: a sum of
/// products is then, by Cauchy and Schwarz, below 2³¹ for depths up to kMaxPairedDepth, whose rounding adds
/// √depth / 2 ≤ 46 to a norm.
inline constexpr float kRowNorm = 32700;
inline constexpr float kColumnNorm = 65500;
inline constexpr std::int64_t kMaxPairedDepth = 8192;
inline constexpr std::int64_t kPairedLanes = 16;  ///< columns of a vector

/// out [rows, 16 · vectors] = left [rows, depth] · right [depth / 2][16 · vectors][2], depth even. Sums wrap around at
/// 32 bits: the caller bounds the norms of rows and columns.
struct PairedProduct {
  const std::int16_t* left;
  std::int64_t rows, depth;
  const std::int16_t* right;
  std::int32_t* out;
};

struct PairedProducts {
  const char* name;
  /// 1 ≤ vectors ≤ 4.
  void (*multiply)(std::int64_t vectors, const PairedProduct& product);
};

/// Null where this processor has none: "AVX-512 VNNI".
[[nodiscard]] const PairedProducts* paired_products();

}  // namespace twinpatch::cpu
