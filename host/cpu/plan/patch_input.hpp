// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "twinpatch/net/spec.hpp"
#include "twinpatch/patches/patch_set.hpp"

namespace twinpatch::cpu {

/// What normalisation makes of a pixel of one patch: scale · x + offset.
struct PixelMap {
  float scale = 1;
  float offset = 0;
};

/// The map of a patch (the first of the view); the identity for f32 patches, which are fed as they are.
[[nodiscard]] PixelMap pixel_map(const Normalisation& normalisation, PatchView patch);

/// Writes what a stream sees of a patch (the first of the view), mapped: row-major, `step` floats from pixel to pixel
/// (2 where two patches are interleaved as channels).
void load_patch(PatchView patch, PixelMap map, StreamView view, float* out, int step);

}  // namespace twinpatch::cpu
