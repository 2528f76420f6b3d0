// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace twinpatch {

/// Where the pixels of a patch lie in one level of an image's pyramid: patch pixel (column, row) is at
///   x = x0 + column·x_column + row·x_row,  y = y0 + column·y_column + row·y_row,
/// in pixels of that level counted from its pixel (origin_x, origin_y), and clamped to the level. Small numbers near
/// the origin keep float's precision in images of any size.
struct LevelWindow {
  float x0 = 0, y0 = 0;
  float x_column = 0, y_column = 0;
  float x_row = 0, y_row = 0;
  std::int32_t origin_x = 0, origin_y = 0;
};

/// What is cut around a keypoint: (1 − blend) of level `level`, sampled bilinearly, and `blend` of the next one, which
/// is not read where blend is 0.
struct PatchWindow {
  LevelWindow fine;
  LevelWindow coarse;
  float blend = 0;
  std::int32_t level = 0;
};

}  // namespace twinpatch
