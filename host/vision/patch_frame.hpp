// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "twinpatch/vision/cut_patches.hpp"

namespace twinpatch::vision {

/// Image pixels from one pixel of a patch to the next, along its rows (x_column, y_column) and down its columns.
struct PatchFrame {
  double x_column = 0, y_column = 0;
  double x_row = 0, y_row = 0;
};

/// Of a keypoint that cut_patches() takes.
[[nodiscard]] PatchFrame patch_frame(const Keypoint& keypoint, const CutOptions& options);

}  // namespace twinpatch::vision
