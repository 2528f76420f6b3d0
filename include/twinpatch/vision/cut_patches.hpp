// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "twinpatch/core/run_control.hpp"
#include "twinpatch/core/thread_pool.hpp"
#include "twinpatch/patches/patch_set.hpp"
#include "twinpatch/vision/keypoint.hpp"

namespace twinpatch {

struct CutOptions {
  int side = 64;         ///< pixels of a patch's side
  float extent = 12.0F;  ///< side of the window in the image, in units of the keypoint's sigma
  bool upright = false;  ///< ignore the keypoint's angle
};

/// Windows of other programs, in σ: colmap 15? opencv 13.5 …, with a sentence each; see docs. Throws InvalidArgument.
[[nodiscard]] float patch_extent_preset(std::string_view name);
[[nodiscard]] std::vector<std::string> patch_extent_presets();

/// Cuts one patch per keypoint, row i for keypoint i: the window rotated to the keypoint's angle, sampled from a
/// Gaussian pyramid at the level where a patch pixel is about an image pixel (no aliasing), trilinearly. Where the
/// window leaves the image, the nearest image pixel is repeated. Keypoints must lie inside the image with finite,
/// positive sigma (throws InvalidArgument naming the first that does not).
[[nodiscard]] PatchSet cut_patches(const GrayImage& image, std::span<const Keypoint> keypoints,
                                   const CutOptions& options, ThreadPool& pool);

}  // namespace twinpatch
