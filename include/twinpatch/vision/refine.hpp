// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "twinpatch/core/run_control.hpp"
#include "twinpatch/core/thread_pool.hpp"
#include "twinpatch/patches/match.hpp"
#include "twinpatch/vision/cut_patches.hpp"

namespace twinpatch {

/// The windows that were compared, and where the right ones lie.
struct ComparedWindows {
  PatchView left;                     ///< as `cut_patches` makes them: u8, square
  PatchView right;                    ///< likewise, of the same size
  std::span<const Keypoint> centres;  ///< of the right windows: row i of `right` was cut around centres[i]
  CutOptions cut;                     ///< how
};

struct RefineOptions {
  double min_correlation = 0.8;  ///< of the aligned windows
  double max_move = 0.25;        ///< of the window's side
};

/// The right end of a match, in the library's convention.
struct RefinedEnd {
  float x = 0;
  float y = 0;
  /// Of the two windows once aligned; 0 where they could not be aligned well enough and the keypoint's own place
  /// stands.
  float correlation = 0;
  [[nodiscard]] bool refined() const { return correlation > 0; }
};

/// Where the left keypoint of each match lies in the right image, to a fraction of a pixel: the affine map that aligns
/// the two windows best, by the enhanced correlation coefficient (Evangelidis & Psarakis, "Parametric image alignment
/// using enhanced correlation coefficient maximization", PAMI 2008; OpenCV's findTransformECC), started at the
/// identity. The result holds for that pair of keypoints alone: another match of the same right keypoint moves it
/// elsewhere, so it cannot be written into keypoints that several images share. Row i belongs to matches[i], whatever
/// the number of threads. About a millisecond of one core each for windows of 64×64. Throws InvalidArgument for windows
/// of different sizes, patches that are not u8, or a match out of range; Interrupted.
[[nodiscard]] std::vector<RefinedEnd> refine(const ComparedWindows& windows, std::span<const Match> matches,
                                             const RefineOptions& options, ThreadPool& pool,
                                             const RunControl& control = {});

}  // namespace twinpatch
