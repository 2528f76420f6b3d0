// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

// Pixels and weights of first convolutions as 16-bit integers, whose sums of products stay within 32 bits.

namespace twinpatch::cpu {

/// Step of an item's pixels, whose largest magnitude becomes `largest`; NaN where one is not finite.
[[nodiscard]] float pixel_step(const float* pixels, std::int64_t count, float largest);

struct StemRounding {
  float largest_pixel = 0;
  float growth = 1;           ///< how many times as large transformed pixels are at most
  double largest_weight = 0;  ///< of the transformed weights, where they are
};

/// Step of an output's weights: their integers fit into 16 bits, and by Cauchy and Schwarz no sum of products leaves
/// 32, rounding (½ a transformed pixel for each weight) included.
[[nodiscard]] float stem_weight_step(std::span<const float> weights, const StemRounding& rounding);

}  // namespace twinpatch::cpu
