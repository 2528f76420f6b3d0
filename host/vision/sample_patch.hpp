// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace twinpatch::vision {

/// Where the pixels of a patch lie in one level of a pyramid: patch pixel (column, row) is at
///   x = x0 + column·xc + row·xr,  y = y0 + column·yc + row·yr,
/// in pixels of that level counted from the pixel at `origin`, and clamped to [x_low, x_high] × [y_low, y_high], the
/// image. Small numbers near the origin keep float's precision in images of any size.
struct LevelWindow {
  const std::uint16_t* origin = nullptr;
  std::int32_t stride_bytes = 0;
  float x0 = 0, y0 = 0;
  float xc = 0, yc = 0;
  float xr = 0, yr = 0;
  float x_low = 0, x_high = 0;
  float y_low = 0, y_high = 0;
};

/// Fills side × side pixels, (1 − blend)·fine + blend·coarse, each sampled bilinearly; `coarse` is not read if blend is
/// 0.
void sample_patch(const LevelWindow& fine, const LevelWindow& coarse, float blend, int side, std::uint8_t* patch);

}  // namespace twinpatch::vision
