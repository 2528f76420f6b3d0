// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "twinpatch/train/options.hpp"

namespace twinpatch {

/// One of the eight symmetries of the square: quarter turns (0…3, counter-clockwise), then a mirror image (left-right).
struct SquareSymmetry {
  int turns = 0;
  bool mirror = false;
};

/// The changes applied to one patch.
struct PatchChange {
  SquareSymmetry symmetry;
  double shift_x = 0, shift_y = 0;  ///< pixels
  double angle = 0;                 ///< radians
  double scale = 1;                 ///< > 1 shows more of the surroundings
  bool blur = false;
  double gain = 1, offset = 0;  ///< grey levels around 128
};

/// Resamples one patch (height × width grey levels, row-major) bilinearly; mirrored at the border.
/// Turns of a patch that is not square are limited to half turns. A change that is only a symmetry is exact.
void change_patch(const std::uint8_t* from, std::uint8_t* to, int height, int width, const PatchChange& change);

}  // namespace twinpatch
