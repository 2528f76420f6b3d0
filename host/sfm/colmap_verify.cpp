// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/sfm/colmap_verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <opencv2/calib3d.hpp>

#include "colmap_lens.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch {
namespace {

/// A model that was found, and who agrees with it.
struct Estimate {
  std::array<double, 9> matrix{};
  std::vector<std::uint8_t> mask;
  double inliers = 0;  ///< 0: nothing was found
};

void check(const ColmapVerifyOptions& options) {
  if (!(options.max_error > 0) || !(options.confidence > 0 && options.confidence < 1) || options.max_iterations < 1) {
    throw InvalidArgument("verification needs a positive error, a confidence between 0 and 1, and iterations");
  }
  // Seven matches determine a fundamental matrix: with fewer than 8 inliers none is confirmed by another.
  if (options.min_inliers < 8) {
    throw InvalidArgument(fmt::format("verification needs at least 8 inliers, found {}", options.min_inliers));
  }
}

cv::UsacParams parameters(const ColmapVerifyOptions& options, double threshold) {
  cv::UsacParams usac;
  usac.confidence = options.confidence;
  usac.maxIterations = options.max_iterations;
  usac.threshold = threshold;
  // As USAC_ACCURATE. On the few pairs with few right matches that were tried it kept more of them than MAGSAC's
  // scores; on most pairs the two agree within some percent.
  usac.score = cv::SCORE_METHOD_MSAC;
  usac.sampler = cv::SAMPLING_UNIFORM;
  usac.loMethod = cv::LOCAL_OPTIM_GC;
  usac.loSampleSize = 20;
  usac.isParallel = false;  // the same result every time
  usac.randomGeneratorState = 0;
  return usac;
}

Estimate estimate_of(const cv::Mat& matrix, const cv::Mat& mask) {
  Estimate estimate;
  if (matrix.rows != 3 || matrix.cols != 3 || mask.empty() || !cv::checkRange(matrix)) return estimate;
  cv::Mat values;
  matrix.convertTo(values, CV_64F);
  for (int i = 0; i < 9; ++i) estimate.matrix[static_cast<std::size_t>(i)] = values.at<double>(i / 3, i % 3);
  estimate.mask.assign(mask.datastart, mask.dataend);
  estimate.inliers = cv::countNonZero(mask);
  return estimate;
}

using Points = std::vector<cv::Point2d>;

Estimate fundamental(const Points& first, const Points& second, const ColmapVerifyOptions& options) {
  cv::Mat mask;
  const cv::Mat matrix = cv::findFundamentalMat(first, second, mask, parameters(options, options.max_error));
  return estimate_of(matrix, mask);
}

Estimate homography(const Points& first, const Points& second, const ColmapVerifyOptions& options) {
  cv::Mat mask;
  const cv::Mat matrix = cv::findHomography(first, second, mask, parameters(options, options.max_error));
  return estimate_of(matrix, mask);
}

Estimate essential(const ColmapView& a, const ColmapView& b, const Points& first, const Points& second,
                   const ColmapVerifyOptions& options) {
  if (a.camera == nullptr || b.camera == nullptr) return {};
  if (!a.camera->has_prior_focal_length || !b.camera->has_prior_focal_length) return {};
  const auto left = sfm::normalise(a.camera->camera, first);
  const auto right = sfm::normalise(b.camera->camera, second);
  if (!left || !right) return {};
  const double focal = (sfm::focal_length(a.camera->camera) + sfm::focal_length(b.camera->camera)) / 2;
  cv::Mat mask;
  const cv::Mat identity = cv::Mat::eye(3, 3, CV_64F);
  const cv::Mat matrix = cv::findEssentialMat(*left, *right, identity, identity, cv::noArray(), cv::noArray(), mask,
                                              parameters(options, options.max_error / focal));
  return estimate_of(matrix, mask);
}

/// COLMAP's choice between the three (TwoViewGeometry::EstimateCalibrated, EstimateUncalibrated).
struct Choice {
  ColmapConfig config = ColmapConfig::degenerate;
  const Estimate* inliers = nullptr;
};

Choice choose(const Estimate& e, const Estimate& f, const Estimate& h, const ColmapVerifyOptions& options) {
  const double enough = options.min_inliers;
  const auto or_plane = [&](ColmapConfig config, const Estimate& best, const Estimate& base) {
    Choice choice{config, &best};
    if (h.inliers > options.max_homography_share * base.inliers) {
      choice.config = ColmapConfig::planar_or_panoramic;
      if (h.inliers > best.inliers) choice.inliers = &h;
    }
    return choice;
  };
  if (e.inliers >= enough && e.inliers > options.min_essential_share * f.inliers) {
    return or_plane(ColmapConfig::calibrated, e.inliers >= f.inliers ? e : f, e);
  }
  if (f.inliers >= enough) return or_plane(ColmapConfig::uncalibrated, f, f);
  if (h.inliers >= enough) return {ColmapConfig::planar_or_panoramic, &h};
  return {};
}

}  // namespace

ColmapGeometry verify_pair(const ColmapView& first, const ColmapView& second, std::span<const IndexPair> matches,
                           const ColmapVerifyOptions& options) {
  check(options);
  check_pairs(matches, std::ssize(first.keypoints), std::ssize(second.keypoints), "matches to verify");
  ColmapGeometry geometry;
  if (std::ssize(matches) < options.min_inliers) return geometry;

  Points left;
  Points right;
  left.reserve(matches.size());
  right.reserve(matches.size());
  for (const IndexPair& match : matches) {
    const Keypoint& a = first.keypoints[static_cast<std::size_t>(match.left)];
    const Keypoint& b = second.keypoints[static_cast<std::size_t>(match.right)];
    left.emplace_back(a.x, a.y);
    right.emplace_back(b.x, b.y);
  }
  const Estimate f = fundamental(left, right, options);
  const Estimate h = homography(left, right, options);
  const Estimate e = essential(first, second, left, right, options);
  const Choice choice = choose(e, f, h, options);
  geometry.config = choice.config;
  if (choice.inliers == nullptr) return geometry;
  for (std::size_t i = 0; i < matches.size(); ++i) {
    if (choice.inliers->mask[i] != 0) geometry.inliers.push_back(matches[i]);
  }
  if (f.inliers > 0) geometry.fundamental = f.matrix;
  if (e.inliers > 0) geometry.essential = e.matrix;
  if (h.inliers > 0) geometry.homography = h.matrix;
  return geometry;
}

}  // namespace twinpatch
