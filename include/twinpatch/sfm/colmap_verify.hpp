// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "twinpatch/patches/match.hpp"
#include "twinpatch/patches/pair_list.hpp"
#include "twinpatch/sfm/colmap_database.hpp"
#include "twinpatch/sfm/colmap_writer.hpp"
#include "twinpatch/vision/keypoint.hpp"

namespace twinpatch {

/// Names and defaults are those of COLMAP's TwoViewGeometryOptions.
struct ColmapVerifyOptions {
  double max_error = 4.0;     ///< pixels
  double confidence = 0.999;  ///< probability that the best model was tried
  int max_iterations = 10'000;
  int min_inliers = 15;               ///< pairs with fewer are degenerate
  double min_essential_share = 0.95;  ///< E's inliers / F's, from which a pair counts as calibrated
  double max_homography_share = 0.8;  ///< H's inliers / E's (or F's), above which it is a plane or a rotation
};

/// One image of a pair. Views: the caller keeps the data alive.
struct ColmapView {
  const ColmapCameraRow* camera = nullptr;  ///< null: unknown, then no essential matrix is estimated
  std::span<const Keypoint> keypoints;
};

/// Geometric verification of the matches of two images: fundamental matrix, homography, and, where both cameras have a
/// prior focal length and an invertible model (all but FOV and THIN_PRISM_FISHEYE), essential matrix, each by
/// OpenCV's USAC with graph-cut RANSAC (Barath & Matas, CVPR 2018); then COLMAP's rules choose between them and tell
/// watermarks (EstimateCalibratedTwoViewGeometry, DetectWatermarkMatches). The same input gives the same result.
/// `first` must be the image with the smaller id. Inliers are in the order of the matches. Throws InvalidArgument for
/// indices out of range and for invalid options.
[[nodiscard]] ColmapGeometry verify_pair(const ColmapView& first, const ColmapView& second,
                                         std::span<const IndexPair> matches, const ColmapVerifyOptions& options = {});

/// Takes samples among the matches with the highest scores first (PROSAC; Chum & Matas, CVPR 2005), which is much
/// faster where many are wrong. Inliers are sorted by (left, right).
[[nodiscard]] ColmapGeometry verify_pair(const ColmapView& first, const ColmapView& second,
                                         std::span<const Match> matches, const ColmapVerifyOptions& options = {});

}  // namespace twinpatch
