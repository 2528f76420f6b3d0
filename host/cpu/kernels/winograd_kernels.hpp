// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/paired_products.hpp"

// Winograd convolutions, compiled once per instruction set (Highway) and chosen when the program runs. Raw pointers
// only: nothing inline of the library may be compiled for a newer processor than the one it runs on.

namespace twinpatch::cpu {

/// One convolution as the kernels see it. Inputs and outputs are NHWC. Channels are multiples of 16.
struct WinogradTask {
  std::int64_t height = 0, width = 0, channels = 0;  ///< of the input
  std::int64_t out_height = 0, out_width = 0, out = 0;
  std::int64_t pad_y = 0, pad_x = 0;
  std::int64_t tiles_y = 0, tiles_x = 0;  ///< tiles of outputs that cover the map
  bool relu = false;
  bool pool = false;  ///< then max pooling 2×2, stride 2, rounding down
  /// Transformed weights [out / panel][points²][channels][panel].
  const float* weights = nullptr;
  /// Or, not null, in 16-bit integers: [out / panel][points²][channels / 2][panel][2], a weight being its integer times
  /// steps[point]; multiplied by `products`.
  const std::int16_t* integers = nullptr;
  const float* steps = nullptr;  ///< [points²]
  const PairedProducts* products = nullptr;
  const float* bias = nullptr;  ///< [out]
  std::int64_t panel = 0;       ///< output channels of one pass: WinogradKernels::panel
  std::int64_t block = 0;       ///< items of one pass; all of a pass's transforms should stay in the second-level cache
};

struct WinogradKernels {
  const char* target;  ///< "AVX3", "AVX2", …
  /// Output channels that one pass takes at once; divides `out`.
  std::int64_t (*panel)(std::int64_t out);
  /// Floats of scratch for `points` of a transform.
  std::int64_t (*scratch)(const WinogradTask& task, std::int64_t points);
  /// in [items, height, width, channels] → out [items, out height, out width, out], pooled where asked for.
  using Run = void (*)(const WinogradTask& task, std::int64_t items, const float* in, float* out, float* scratch);
  Run f3x5;  ///< F(3×3, 5×5)
  Run f4x3;  ///< F(4×4, 3×3)
  Run f6x5;  ///< F(6×6, 5×5)
};

/// Of the best instruction set that this processor has.
[[nodiscard]] const WinogradKernels& winograd_kernels();

}  // namespace twinpatch::cpu
