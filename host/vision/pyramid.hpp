// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "twinpatch/core/buffer.hpp"
#include "twinpatch/vision/image.hpp"

namespace twinpatch::vision {

/// One level of a pyramid: grey levels times 256, row-major with `stride` pixels a row. One more row and a few more
/// pixels lie behind the last, so that the right and lower neighbours of border pixels can be loaded (their weight is
/// 0).
struct PyramidLevel {
  Buffer<std::uint16_t> pixels;
  int width = 0;
  int height = 0;
  std::int64_t stride = 0;
};

/// Gaussian pyramid. Pixel i of level l lies on pixel i·2^l of the image (centres, counted from 0): every level is the
/// one before it smoothed with the binomial filter (1 4 6 4 1)/16, every second pixel taken. 16 bits keep the rounding
/// of the levels far below a grey level.
class Pyramid {
 public:
  /// Level 0 is the image; at most `levels` are made, fewer where an image of one pixel is reached.
  Pyramid(const GrayImage& image, int levels);
  [[nodiscard]] int levels() const noexcept { return static_cast<int>(levels_.size()); }
  [[nodiscard]] const PyramidLevel& level(int l) const { return levels_[static_cast<std::size_t>(l)]; }

 private:
  std::vector<PyramidLevel> levels_;
};

}  // namespace twinpatch::vision
