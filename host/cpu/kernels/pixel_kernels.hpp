// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// Small loops over pixels and maps, compiled once per instruction set (Highway) and chosen when the program runs. Raw
// pointers only: nothing inline of the library may be compiled for a newer processor than the one it runs on.

namespace twinpatch::cpu {

struct MapSize {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 0;
};

/// value = step · integer; step > 0
struct IntegerMap {
  const std::int16_t* integers;
  float step;
};

/// Two of them fit into 16 bits.
inline constexpr std::int16_t kLargestHalf = 16383;

struct PixelKernels {
  const char* target;  ///< "AVX3", "AVX2", …
  /// out[i] = scale · pixels[i] + offset.
  void (*load)(const std::uint8_t* pixels, std::int64_t count, float scale, float offset, float* out);
  /// Sum and sum of squares of pixels, exactly.
  void (*moments)(const std::uint8_t* pixels, std::int64_t count, std::int64_t* sum, std::int64_t* squares);
  /// out[i] = max(left[i] + right[i], 0).
  void (*join)(const float* left, const float* right, std::int64_t count, float* out);
  /// Max pooling 2×2, stride 2, rounding down, of max(left + right, 0); maps [height, width, channels].
  void (*join_pooled)(const float* left, const float* right, const MapSize& size, float* out);
  /// The same of maps in integers of at most kLargestHalf, those of the smaller step rounded to the larger one.
  void (*join_pooled_integers)(const IntegerMap& left, const IntegerMap& right, const MapSize& size, float* out);
};

/// Of the best instruction set that this processor has.
[[nodiscard]] const PixelKernels& pixel_kernels();

}  // namespace twinpatch::cpu
