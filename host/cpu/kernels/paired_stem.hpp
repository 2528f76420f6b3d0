// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// First convolutions in 16-bit integers, two terms an instruction and lane: twice float32's rate (paired_products.hpp).

namespace twinpatch::cpu {

/// A convolution of one item's planes, whose pixels lie in pairs: of both channels, or of one and the pixel below.
/// Bias, ReLU and 2×2 max pooling in the same pass.
struct PairedStem {
  std::int64_t row = 0;                                 ///< from one output row to the next, in pairs: stride · width
  std::int64_t column = 0;                              ///< from one output column to the next, in pairs: the stride
  std::int64_t out_height = 0, out_width = 0, out = 0;  ///< before pooling; `out` is a multiple of 16 · vectors
  bool relu = false;
  bool pool = false;                      ///< 2×2, stride 2, rounding down
  std::int64_t taps = 0;                  ///< of pairs
  const std::int64_t* offsets = nullptr;  ///< [taps]: where a tap reads, relative to its output's first pair
  const std::int16_t* weights = nullptr;  ///< [out / panel][taps][panel][2], panel = 16 · vectors
  const float* steps = nullptr;           ///< [out]: a weight is its integer times it
  const float* bias = nullptr;            ///< [out]
  std::int64_t vectors = 0;               ///< 1 to 3
};

/// Largest magnitude of a pixel: precise enough for grey levels, and small enough for weights of as many bits.
inline constexpr float kLargestPixel = 8191;

struct PairedStems {
  const char* name;
  /// Narrowest map of outputs.
  std::int64_t (*min_width)(std::int64_t vectors, bool pool);
  /// pairs [height, width] → out NHWC, sums · step · steps + bias.
  void (*run)(const PairedStem& stem, const std::int32_t* pairs, float step, float* out);
};

/// Null where this processor has none: "AVX-512 VNNI".
[[nodiscard]] const PairedStems* paired_stems();

}  // namespace twinpatch::cpu
