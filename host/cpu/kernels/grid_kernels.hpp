// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// The inner loops of pair grids, compiled once per instruction set (Highway) and chosen when the program runs. Raw
// pointers only: nothing inline of the library may be compiled for a newer processor than the one it runs on.

namespace twinpatch::cpu {

/// Rows of a strip: one pass of the inner loops scores this many left rows against one panel of right columns.
inline constexpr std::int64_t kStripRows = 64;
/// Columns of the widest panel of any instruction set (three vectors of 16).
inline constexpr std::int64_t kMaxPanel = 48;

/// Rows in memory, [count, depth] with `stride` floats from one to the next.
struct RowBlock {
  const float* values = nullptr;
  std::int64_t stride = 0;
  std::int64_t count = 0;
  std::int64_t depth = 0;
};

/// Left rows, at most kStripRows, against one panel of right columns.
struct StripWork {
  RowBlock left;
  const float* right = nullptr;      ///< [left.depth, panel]
  const float* weights = nullptr;    ///< [left.depth], where the sum has weights
  const float* constants = nullptr;  ///< [panel]
};

/// Values of a strip [rows, panel], and what they must reach.
struct StripLimits {
  const float* values = nullptr;
  std::int64_t rows = 0;
  const float* offsets = nullptr;        ///< [rows], taken off the values
  const float* row_limits = nullptr;     ///< [rows]
  const float* column_limits = nullptr;  ///< [panel], or null
};

/// Eight pairs of a decision head.
struct HeadPairs {
  const float* left[8] = {};   ///< [depth]
  const float* right[8] = {};  ///< [depth]
  float constants[8] = {};
  const float* weights = nullptr;  ///< [depth]
  std::int64_t depth = 0;
};

struct GridKernels {
  const char* target;  ///< "AVX3", "AVX2", …
  /// Columns of a panel. Right rows are packed panel by panel as [depth, panel]: transposed, padded in the last panel.
  std::int64_t panel;

  /// out[i, j] = constants[j] + Σ_k f(left[i, k], right[k, j]), k ascending in one accumulator per pair, so that a
  /// score does not depend on where in a tile it lies. out [rows, panel].
  using Strip = void (*)(const StripWork& work, float* out);
  Strip dot;   ///< f = left · right
  Strip head;  ///< f = weights[k] · max(left, right)
  Strip l1;    ///< f = −|left − right|
  Strip l2;    ///< f = −(left − right)²

  /// Positions i · panel + j where v = values[i, j] − offsets[i] reaches row_limits[i] or column_limits[j], or is not
  /// finite; ascending. `hits` holds rows · panel. Returns how many.
  std::int64_t (*find)(const StripLimits& strip, std::uint16_t* hits);

  /// Σ_k weights[k] · max(left[k] + right[k], 0): one pair of a list.
  float (*head_pair)(const float* left, const float* right, const float* weights, std::int64_t depth);
  /// out[n] = constants[n] + Σ_k weights[k] · max(left[n][k], −right[n][k]): bit for bit what `head` finds of them.
  void (*head_pairs)(const HeadPairs& pairs, float* out);
  /// Sums over k in double precision: (a − b)², |a − b|, a · b. Sixteen sums side by side, added in one fixed order and
  /// without fused multiply-adds: the same bits on every instruction set.
  using Pair = double (*)(const float* a, const float* b, std::int64_t depth);
  Pair exact_l2;
  Pair exact_l1;
  Pair exact_dot;
  /// out[k] = relu(left[k] + right[k]).
  void (*add_relu)(const float* left, const float* right, std::int64_t depth, float* out);
};

/// Of the best instruction set that this processor has.
[[nodiscard]] const GridKernels& grid_kernels();

/// Right rows → panels [ceil(count / panel), depth, panel], times `sign`; missing columns are zero.
void pack_panels(const RowBlock& rows, std::int64_t panel, float sign, float* out);

}  // namespace twinpatch::cpu
