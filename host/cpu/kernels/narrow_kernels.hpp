// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// Activations into the narrower numbers that products take, compiled once per instruction set (Highway) and chosen when
// the program runs. Raw pointers only, as in pixel_kernels.hpp.

namespace twinpatch::cpu {

/// Integers of an input: the nearest to factor · value in [low, high].
struct NarrowRange {
  float factor;
  std::int32_t low, high;
};
struct NarrowLosses {
  std::int64_t saturated;  ///< values whose nearest integer lies outside
  bool not_finite;         ///< one or more values are infinite or NaN
};

struct NarrowKernels {
  /// out[i] = bits of the bfloat16 nearest to in[i], ties to even; infinities stay, NaN becomes a quiet NaN.
  void (*to_bfloat16)(const float* in, std::int64_t count, std::uint16_t* out);
  /// out[i] = the integer's lowest 8 bits. Of infinities and NaN any.
  NarrowLosses (*to_integers)(const float* in, std::int64_t count, NarrowRange range, std::uint8_t* out);
  /// The largest magnitude; NaN where one value is not finite, 0 of none.
  float (*largest)(const float* in, std::int64_t count);
  /// out[i] = the integer nearest to factor · in[i], within 16 bits.
  void (*to_shorts)(const float* in, std::int64_t count, float factor, std::int16_t* out);
  /// out[i] = the integers nearest to factor · low[i] and factor · high[i], within 16 bits, in its lower and upper
  /// half.
  void (*to_pairs)(const float* low, const float* high, std::int64_t count, float factor, std::int32_t* out);
};

/// Of the best instruction set that this processor has.
[[nodiscard]] const NarrowKernels& narrow_kernels();

}  // namespace twinpatch::cpu
