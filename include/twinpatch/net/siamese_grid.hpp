// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "twinpatch/net/spec.hpp"

// Sizes and bounds of grids of siamese pairs that every engine plans with.

namespace twinpatch {

/// Rows per side of a tile that an engine allows.
struct TileLimits {
  std::int64_t bytes_per_value = 0;  ///< of a row: the row itself, what it was made from, copies
  std::int64_t grain = 1;            ///< tiles are multiples of it
  std::int64_t smallest = 1;         ///< whatever the memory
  std::int64_t largest = 1;
  /// Of decisions of more than two layers, which cost thousands of times more a pair: progress is to be seen, and
  /// cancellation to be checked, now and then.
  std::int64_t largest_deep = 1;
};
/// Rows per side of a tile of which either side takes at most an eighth of `memory` bytes.
[[nodiscard]] std::int64_t siamese_tile_rows(const NetworkSpec& spec, std::int64_t memory, const TileLimits& limits);

/// Bounds the rounding error of a float32 sum of `length` products a_k·b_k started from a norm, in units of
/// ‖a‖² + ‖b‖²: (length + 8) · 2⁻²⁴ (Higham 2002, section 3.1; Σ|a_k b_k| ≤ ½(‖a‖² + ‖b‖²)). Also of a sum of
/// |a_k − b_k|, in units of that sum.
[[nodiscard]] double summation_slack(std::int64_t length);

}  // namespace twinpatch
