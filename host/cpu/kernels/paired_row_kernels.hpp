// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// What goes into products of 16-bit integers and what comes out of them (paired_products.hpp), compiled once per
// instruction set (Highway) and chosen when the program runs. Raw pointers only, as in pixel_kernels.hpp.

namespace twinpatch::cpu {

/// Sums of one row of a product, and what makes numbers of them.
struct PairedSums {
  const std::int32_t* sums;  ///< [count]
  std::int64_t count;        ///< a multiple of 16
  float row_step;
  const float* column_steps;  ///< [count]
  const float* bias;          ///< [count]
  bool relu;
};

struct PairedRowKernels {
  /// values [rows, count] → integers [rows, count] of the norm kRowNorm, value ≈ steps[row] · integer; `count` is a
  /// multiple of 16. A row with a number that is not finite gets zeros and NaN as its step.
  void (*narrow)(const float* values, std::int64_t rows, std::int64_t count, std::int16_t* integers, float* steps);
  /// out[i] = sum · row_step · column_steps[i] + bias[i], not below 0 where `relu`; NaN where row_step is.
  void (*finish)(const PairedSums& row, float* out);
};

/// Of the best instruction set that this processor has.
[[nodiscard]] const PairedRowKernels& paired_row_kernels();

}  // namespace twinpatch::cpu
