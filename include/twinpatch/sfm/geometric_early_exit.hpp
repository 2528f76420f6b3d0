// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "twinpatch/collection/early_exit.hpp"
#include "twinpatch/sfm/epipolar_guide.hpp"

namespace twinpatch {

struct EarlyExitOptions {
  KeypointSample sample{};  ///< of an image's keypoints
  /// How the geometry is estimated; its min_inliers is the fewest matches of the sample that must agree.
  ColmapVerifyOptions estimation{.min_inliers = 8};
  /// The least share of the sample's matches that must agree: where every keypoint has a match, some agree by chance.
  double min_inlier_share = 0.1;
  int threads = 0;  ///< 0: all
};

/// Drops pairs of images in whose sample no geometry (verify_pair()) has enough matches that agree with it. Throws
/// InvalidArgument for a sample that is not larger than the fewest matches that must agree.
[[nodiscard]] std::unique_ptr<EarlyExit> make_geometric_early_exit(GuideSource source, const EarlyExitOptions& options);

}  // namespace twinpatch
