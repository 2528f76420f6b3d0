// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// First convolutions (one or two input channels), compiled once per instruction set (Highway) and chosen when the
// program runs. Raw pointers only: nothing inline of the library may be compiled for a newer processor than the one it
// runs on.

namespace twinpatch::cpu {

/// A convolution of few input channels that lie one plane after the other, with ReLU and 2×2 max pooling fused.
struct StemTask {
  std::int64_t item = 0;                                ///< values of one item's planes
  std::int64_t row = 0;                                 ///< from one output row to the next, in inputs: stride · width
  std::int64_t column = 0;                              ///< from one output column to the next, in inputs: the stride
  std::int64_t out_height = 0, out_width = 0, out = 0;  ///< before pooling; `out` is a multiple of `panel`
  bool relu = false;
  bool pool = false;  ///< 2×2, stride 2, rounding down
  std::int64_t taps = 0;
  const std::int64_t* offsets = nullptr;  ///< [taps]: where a tap reads, relative to its output's first input
  const float* weights = nullptr;         ///< [out / panel][taps][panel]
  const float* bias = nullptr;            ///< [out]
  std::int64_t panel = 0;                 ///< StemKernels::panel
};

struct StemKernels {
  const char* target;  ///< "AVX3", "AVX2", …
  /// Output channels of one pass; 0 where the kernels do not take so many channels.
  std::int64_t (*panel)(std::int64_t out);
  /// Narrowest map of outputs they take.
  std::int64_t (*min_width)(std::int64_t panel, bool pool);
  /// in [items, planes, height, width] → out NHWC.
  void (*run)(const StemTask& task, std::int64_t items, const float* in, float* out);
};

/// Of the best instruction set that this processor has.
[[nodiscard]] const StemKernels& stem_kernels();

}  // namespace twinpatch::cpu
