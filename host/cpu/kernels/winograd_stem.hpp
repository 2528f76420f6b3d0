// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// First convolutions with a stride by Winograd's method, in 16-bit integers. Pixels p + s·i of a row (s the stride,
// p < s) with the taps p + s·i are a correlation without stride, of two or three taps here: F(2, 2) or F(2, 3), whose
// sums over all p and channels have one transform of outputs. 7×7 of stride 3 needs 100 products for 2×2 outputs
// instead of 196. Transforms of pixels and of sums are exact.

namespace twinpatch::cpu {

inline constexpr std::int64_t kWidestStem = 64;       ///< pixels
inline constexpr std::int64_t kLargestStemTile = 16;  ///< pixels of a tile's side
inline constexpr int kStemPoints = 4;                 ///< of a side: 0, 1, −1, ∞
/// Points in the order of their products: sums at 1 and −1 become their sum and difference, and those grow on.
inline constexpr int kStemOrder[kStemPoints] = {1, 2, 0, 3};
inline constexpr std::int64_t kStemPanel = 32;    ///< output channels of one pass
inline constexpr float kLargestStemPixel = 8191;  ///< a transformed one is at most four times as large

/// A transformed input of a side: pixel `first`, plus `sign` times pixel `second` of the tile.
struct StemTerm {
  std::int64_t first = 0, second = 0;
  int sign = 0;
};

/// The same of both sides: pixels of one column of terms, by where they lie from the first of a row of tiles on.
struct StemPair {
  StemTerm low, high;  ///< of one channel; of two, `low` is of both
  bool has_high = false;
};

struct WinogradStem {
  std::int64_t channels = 0;  ///< 1 or 2
  std::int64_t height = 0, width = 0, stride = 0;
  std::int64_t side = 0;                  ///< pixels, and terms, of a tile's side: of the kernel and one stride
  std::int64_t tiles_y = 0, tiles_x = 0;  ///< of 2×2 outputs; at most 16 across
  std::int64_t out = 0;                   ///< a multiple of kStemPanel
  bool relu = false;
  bool pool = false;                ///< 2×2, stride 2: a tile becomes one output
  const StemTerm* terms = nullptr;  ///< [side]
  std::int64_t pair_count = 0;
  const StemPair* pairs = nullptr;                      ///< [pair_count], of one point after the other
  std::int64_t counts[kStemPoints * kStemPoints] = {};  ///< pairs of each point, rows and columns in kStemOrder
  /// [out / kStemPanel][pair_count][kStemPanel][2]; those of ∞ with the sign that it has in y₁ = m₁ − m₋₁ − m∞.
  const std::int16_t* weights = nullptr;
  const float* steps = nullptr;  ///< [out]: a weight is its integer times it
  const float* bias = nullptr;   ///< [out]
};

struct WinogradStems {
  const char* name;
  std::int64_t min_tiles;                             ///< across
  std::int64_t (*scratch)(const WinogradStem& stem);  ///< 32-bit integers
  /// in [channels, height, width], none above kLargestStemPixel · step → out NHWC.
  void (*run)(const WinogradStem& stem, const float* in, float step, float* out, std::int32_t* scratch);
};

/// Null where this processor has none: "AVX-512 VNNI".
[[nodiscard]] const WinogradStems* winograd_stems();

}  // namespace twinpatch::cpu
