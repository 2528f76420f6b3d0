// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/kernels.hpp"

namespace twinpatch::cuda::kernels {

/// What a network's stream begins with: a convolution without padding, ReLU, and the maximum over 2 × 2, rounding down.
struct StemShape {
  int channels = 1;  ///< patches: one, or two
  int height = 0;    ///< of a stream's view of a patch
  int width = 0;
  int kernel_height = 0;
  int kernel_width = 0;  ///< at most 8
  int stride_height = 1;
  int stride_width = 1;
  int outputs = 0;        ///< a multiple of 8, at most 96
  int pooled_height = 0;  ///< of the result
  int pooled_width = 0;

  /// Products of 16 × 8 × 16: two rows of a channel's kernel each, of eight columns.
  [[nodiscard]] constexpr int steps() const { return (channels * kernel_height + 1) / 2; }
  /// Number pairs of a packed filter.
  [[nodiscard]] constexpr std::int64_t filter_size() const { return std::int64_t{steps()} * (outputs / 8) * 32 * 2; }
  /// Numbers of a row of the view in shared memory: zeros after its end, which columns beyond the kernel meet.
  [[nodiscard]] constexpr int pitch() const { return (width + 8 + 1) / 2 * 2; }
  [[nodiscard]] constexpr std::int64_t shared_bytes() const {
    return 4 * filter_size() + std::int64_t{2} * 2 * channels * height * pitch();
  }
};
/// Shared memory that every device from sm_80 on has for a block.
inline constexpr std::int64_t kMostStemBytes = 99 * 1024;

/// Weights of a stem. Lane l finds the pairs 2 · (l % 4) and + 8 of 16 k, of output 8 j + l / 4, at
/// filter[((step · outputs / 8 + j) · 32 + l) · 2] and the place after it; k is 8 · (channel · kernel_height + row) +
/// column, with zeros where there is none.
struct Stem {
  StemShape shape;
  const std::uint32_t* filter = nullptr;  ///< pairs of numbers of the device's type
  const float* bias = nullptr;            ///< [outputs]
};

/// out [count, pooled_height, pooled_width, outputs] from pixels as load_patches() sees them, in fp16 or bf16; sums in
/// fp32. Enqueued.
void stem(cudaStream_t stream, const Stem& stem, const PatchLoad& load, void* out);

}  // namespace twinpatch::cuda::kernels
