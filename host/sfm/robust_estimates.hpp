// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "epipolar_refinement.hpp"

namespace twinpatch::sfm {

/// A 3×3 model that was found, and who agrees with it.
struct Estimate {
  std::array<double, 9> matrix{};  ///< row-major
  std::vector<std::uint8_t> mask;  ///< of each match: 1 is an inlier
  double inliers = 0;              ///< 0: nothing was found
};

struct RobustOptions {
  double max_error = 0;  ///< of an inlier, in the unit of the points
  double confidence = 0;
  int max_iterations = 0;
  bool best_first = false;  ///< matches come with the most likely one first, and are sampled so (PROSAC)
};

// Robust estimation by OpenCV's USAC; epipolar models are refined on their inliers. Then inliers are counted by the
// errors that COLMAP counts them by: Sampson's of epipolar models, and the distance in the second image of
// homographies. Both lists are of one length. The same input gives the same result.
[[nodiscard]] Estimate fundamental_matrix(const Points& first, const Points& second, const RobustOptions& options);
[[nodiscard]] Estimate homography(const Points& first, const Points& second, const RobustOptions& options);
/// Of points on normalised coordinates.
[[nodiscard]] Estimate essential_matrix(const Points& first, const Points& second, const RobustOptions& options);

}  // namespace twinpatch::sfm
