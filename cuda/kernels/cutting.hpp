// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <array>
#include <cstdint>

#include "twinpatch/patches/patch_window.hpp"

// ---- cutting.cu: patches from photographs ----

namespace twinpatch::cuda::kernels {

inline constexpr int kMostLevels = 32;

/// Levels of a pyramid, grey levels times 256, row-major, one after the other in one buffer.
struct PyramidLevels {
  struct Level {
    std::int64_t first = 0;  ///< of its pixels in the buffer
    int width = 0;
    int height = 0;
  };
  std::array<Level, kMostLevels> level;
  int count = 0;

  /// Of an image of that size, some pixels; fewer than `most` where one of one pixel is reached.
  [[nodiscard]] static PyramidLevels of(int width, int height, int most);
  /// Pixels of all levels.
  [[nodiscard]] std::int64_t pixels() const;
};

/// pyramid [levels.pixels()] from image [height, width] u8, level by level: each is the one before it smoothed with
/// (1 4 6 4 1)/16 in both directions, every second pixel taken, rounded to the nearest; border pixels are repeated.
/// Equal to the host's (host/vision/pyramid.hpp). Enqueued: one launch a level.
void make_pyramid(cudaStream_t stream, const std::uint8_t* image, const PyramidLevels& levels, std::uint16_t* pyramid);

struct Cut {
  const std::uint16_t* pyramid = nullptr;
  PyramidLevels levels;
  const PatchWindow* windows = nullptr;  ///< [count]; levels and origins within the pyramid
  std::int64_t count = 0;
  int side = 0;
};
/// patches [count, side, side] u8, equal to what a host with fused multiply-add cuts (host/vision/sample_patch.cpp).
/// Enqueued.
void cut_patches(cudaStream_t stream, const Cut& cut, std::uint8_t* patches);

}  // namespace twinpatch::cuda::kernels
