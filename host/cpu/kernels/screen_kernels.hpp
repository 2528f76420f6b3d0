// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

// The inner loops of screened grids: 8-bit rows, 32-bit sums. Sums of integers are exact, so every instruction set
// finds the same ones. Raw pointers only, as in grid_kernels.hpp.

namespace twinpatch::cpu {

/// Left rows, at most kStripRows, against one panel of right columns; four terms of a sum share 32 bits.
struct ScreenWork {
  const std::uint8_t* left = nullptr;  ///< [rows, depth]
  std::int64_t rows = 0;
  std::int64_t depth = 0;                ///< a multiple of the kernels' grain, padded with zeros
  const std::uint8_t* right = nullptr;   ///< [depth / 4, panel, 4]; signed bytes but for heads
  const std::int8_t* weights = nullptr;  ///< [depth], of heads
  const std::int32_t* starts = nullptr;  ///< [panel]: what every sum of a column starts from
};

/// Sums of one instruction set.
struct ScreenKernels {
  const char* name;    ///< "avx512-vnni", …
  std::int64_t panel;  ///< columns; that of grid_kernels() on processors which have the instruction set
  std::int64_t grain;  ///< depths are multiples of it
  /// Where neighbouring products are added in 16 bits, bytes have a bit less, so that they fit.
  /// Of products: left bytes are at most 2 · levels + 1 (127, or 63), right ones within ±127.
  std::int32_t levels;
  /// Of heads: weights are within ±multiples (127, or 64), both sides' bytes at most 255.
  std::int32_t multiples;
  /// out[i, j] = starts[j] + Σ_k f(left[i, k], right[k, j]), out [rows, panel].
  using Strip = void (*)(const ScreenWork& work, std::int32_t* out);
  Strip dot;   ///< f = left · right
  Strip head;  ///< f = weights[k] · max(left, right)
};

/// `name` as in ScreenKernels, or "auto": the best. Null where this processor does not have it or where the kernels of
/// grid_kernels() have other panels; for "auto": where there are none.
[[nodiscard]] const ScreenKernels* screen_kernels(const char* name);
/// Every name, best first.
[[nodiscard]] std::span<const char* const> screen_kernel_names();

/// A strip of sums and what they stand for:
///     value[i, j] = sums[i, j] · column_scales[j] · row_scales[i] + column_constants[j] − row_offsets[i].
struct ScreenStrip {
  const std::int32_t* sums = nullptr;  ///< [rows, panel]
  std::int64_t rows = 0;
  const float* row_scales = nullptr;        ///< [rows]
  const float* row_offsets = nullptr;       ///< [rows]
  const float* column_scales = nullptr;     ///< [panel]
  const float* column_constants = nullptr;  ///< [panel]
};

/// What a score comes from: squared · s · |s| + linear · s − slack · |s|, rounded down.
struct ScreenScale {
  float squared = 0;
  float linear = 0;
  float slack = 0;
};

/// A row of floats in 8 bits: value = scale · stored and what is lost.
struct QuantisedRow {
  float scale = 0;         ///< 0: nothing is stored but zeros
  float peak = 0;          ///< largest magnitude
  std::int32_t sum = 0;    ///< of the stored values
  float squared_loss = 0;  ///< Σ (value − scale · stored)², summed in single precision
};

/// Steps of one dimension of a head: value = low + step · stored and what is lost, stored within [0, levels].
struct HeadSteps {
  const float* low = nullptr;      ///< [depth]
  const float* step = nullptr;     ///< [depth]
  const float* weights = nullptr;  ///< [depth]
  std::int32_t levels = 255;
};

/// With weights w and losses e, summed in single precision.
struct HeadLoss {
  float above = 0;      ///< Σ max(w · e, 0)
  float below = 0;      ///< Σ max(−w · e, 0)
  float magnitude = 0;  ///< Σ |w · value|
};

/// Groups of row_best.
inline constexpr std::int64_t kRowGroups = 8;

/// What prepares and reads screens, of one instruction set.
struct ScreenTools {
  /// Positions i · panel + j whose value reaches row_limits[i] or column_limits[j] (null: none do), ascending. `hits`
  /// holds rows · panel. Returns how many.
  std::int64_t (*find)(const ScreenStrip& strip, const float* row_limits, const float* column_limits,
                       std::uint16_t* hits);
  /// best[j] = largest value of the column.
  void (*column_best)(const ScreenStrip& strip, float* best);
  /// best[i, n] = largest value, less widths[j], of columns of group n: groups share no column.
  void (*row_best)(const ScreenStrip& strip, const float* widths, float* best);
  /// Scores → what they come from, never higher; −infinity stays.
  void (*limits)(const float* scores, std::int64_t count, const ScreenScale& scale, float* out);
  /// values [depth] → bytes within ±levels, plus `zero`, modulo 256.
  QuantisedRow (*quantise)(const float* values, std::int64_t depth, std::int32_t levels, std::int32_t zero,
                           std::uint8_t* stored);
  /// sign · values [depth] → stored [depth].
  HeadLoss (*quantise_head)(const float* values, float sign, std::int64_t depth, const HeadSteps& steps,
                            std::uint8_t* stored);
  /// low[k] = min(low[k], values[k]), high[k] = max(high[k], values[k]).
  void (*extend)(const float* values, std::int64_t depth, float* low, float* high);
};
[[nodiscard]] const ScreenTools& screen_tools();

}  // namespace twinpatch::cpu
