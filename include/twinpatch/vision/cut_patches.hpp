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
#include "twinpatch/patches/patch_window.hpp"
#include "twinpatch/vision/keypoint.hpp"

namespace twinpatch {

struct CutOptions {
  int side = 64;         ///< pixels of a patch's side
  float extent = 12.0F;  ///< side of the window in the image, in units of the keypoint's sigma
  bool upright = false;  ///< ignore the keypoint's angle
  bool affine = false;   ///< the window has the keypoint's affine shape, which every keypoint must have
};

/// Side of the window that other programs cut around a keypoint, in σ. Throws InvalidArgument for an unknown name.
///   colmap      12    SIFT as COLMAP and VLFeat compute it: 4 bins of 3σ (magnif = 3), and vl_covdet's patches
///                     (relative extent 6 = half the side). COLMAP's affine and DSP variants take 15σ.
///   opencv      13.5  VGG and BoostDesc: scale_factor 6.75 times KeyPoint::size, which is 2σ; fitted to PhotoTour
///                     patches. OpenCV's own SIFT takes 4 bins of 3σ, as COLMAP does: 12σ.
///   kornia      12    ScaleSpaceDetector's default mr_size 6 is half the side; HardNet and SOSNet use it.
///   hpatches    10    "scale magnified by a factor of 5", read as a factor on the radius; its page does not say.
///   photo-tour  13.5  The UBC patches that the published networks were trained on. Their authors do not give
///                     the factor; this is that of OpenCV's descriptors trained on them, for SIFT keypoints.
[[nodiscard]] float patch_extent_preset(std::string_view name);
[[nodiscard]] std::vector<std::string> patch_extent_presets();

/// Cuts one patch per keypoint, row i for keypoint i: the window rotated to the keypoint's angle, sampled from a
/// Gaussian pyramid at the level where a patch pixel is about one pixel wide (no aliasing), trilinearly. Where the
/// window leaves the image, the nearest image pixel is repeated. Keypoints must lie inside the image with finite,
/// positive sigma (throws InvalidArgument naming the first that does not).
/// With `affine` the window is the parallelogram that the shape makes of a square of side `extent`, and the level is
/// that at which a patch pixel's longer axis is one pixel wide: nothing aliases, and along its shorter axis the patch
/// is smoothed more than it need be. With `upright` too, the ellipse stays as it is and what is vertical in the image
/// is so in the patch. Throws InvalidArgument for a keypoint with a shape_fault().
[[nodiscard]] PatchSet cut_patches(const GrayImage& image, std::span<const Keypoint> keypoints,
                                   const CutOptions& options, ThreadPool& pool);

/// What cut_patches() cuts, as a device that cuts for itself needs it.
struct PatchWindows {
  std::vector<PatchWindow> windows;  ///< one for each keypoint
  int levels = 0;                    ///< of the pyramid; 0 without a keypoint
};
/// Throws as cut_patches() does.
[[nodiscard]] PatchWindows patch_windows(const GrayImage& image, std::span<const Keypoint> keypoints,
                                         const CutOptions& options);

}  // namespace twinpatch
