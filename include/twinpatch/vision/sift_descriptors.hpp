// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "twinpatch/core/matrix.hpp"
#include "twinpatch/patches/patch_set.hpp"

namespace twinpatch {

/// Root-SIFT of whole patches [N, 128] (Lowe 2004; Arandjelović & Zisserman 2012): OpenCV's descriptor of one upright
/// keypoint in the middle whose 12σ window is the patch, L1-normalised, square root taken. Only u8 patches.
[[nodiscard]] Matrix root_sift(PatchView patches);

}  // namespace twinpatch
