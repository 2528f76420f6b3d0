// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/launch_helpers.cuh"

// Pixels of patches as a stream sees them; for patches.cu and stem.cu.

namespace twinpatch::cuda::kernels {

/// What load_patches() and stem() ask for, as their kernels read it.
struct Load {
  PatchSource sources[2];
  std::int64_t count;
  int height, width;
  View view;
  int out_height, out_width;
};
inline Load as_read(const PatchLoad& load) {
  const int shrunk = load.view == View::whole ? 1 : 2;
  return {{load.sources.front(), load.sources.back()},
          load.count,
          load.height,
          load.width,
          load.view,
          load.height / shrunk,
          load.width / shrunk};
}

/// One patch of a source, and what is made of its pixels.
struct Patch {
  const void* pixels;
  bool floats;
  PixelMap map;
  int width;
  __device__ Patch(const PatchSource& source, std::int64_t item, const Load& load)
      : floats(source.floats), width(load.width) {
    const std::int64_t patch = source.index != nullptr ? source.index[item * source.index_stride] : source.first + item;
    const std::int64_t base = patch * load.height * width;
    pixels = floats ? static_cast<const void*>(static_cast<const float*>(source.pixels) + base)
                    : static_cast<const void*>(static_cast<const std::uint8_t*>(source.pixels) + base);
    if (source.maps != nullptr) map = source.maps[patch];
  }
  __device__ float pixel(int y, int x) const {
    const std::int64_t at = std::int64_t{y} * width + x;
    return floats ? static_cast<const float*>(pixels)[at]
                  : static_cast<float>(static_cast<const std::uint8_t*>(pixels)[at]);
  }
};

/// Pixel (y, x) of a stream's view of a patch.
__device__ inline float view_pixel(const Patch& patch, int y, int x, int height, View view) {
  float value = 0;
  if (view == View::surround_average) {
    value = 0.25F * (patch.pixel(2 * y, 2 * x) + patch.pixel(2 * y, 2 * x + 1) + patch.pixel(2 * y + 1, 2 * x) +
                     patch.pixel(2 * y + 1, 2 * x + 1));
  } else if (view == View::central_crop) {
    value = patch.pixel(height / 4 + y, patch.width / 4 + x);
  } else {
    value = patch.pixel(y, x);
  }
  return patch.map.scale * value + patch.map.offset;
}

}  // namespace twinpatch::cuda::kernels
