// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/sfm/colmap_verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "colmap_lens.hpp"
#include "colmap_watermark.hpp"
#include "robust_estimates.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch {
namespace {

using sfm::Estimate;
using sfm::Points;

void check(const ColmapVerifyOptions& options) {
  if (!(options.max_error > 0) || !(options.confidence > 0 && options.confidence < 1) || options.max_iterations < 1) {
    throw InvalidArgument("verification needs a positive error, a confidence between 0 and 1, and iterations");
  }
  // Seven matches determine a fundamental matrix: with fewer than 8 inliers none is confirmed by another.
  if (options.min_inliers < 8) {
    throw InvalidArgument(fmt::format("verification needs at least 8 inliers, found {}", options.min_inliers));
  }
}

Estimate essential(const ColmapView& a, const ColmapView& b, const Points& first, const Points& second,
                   sfm::RobustOptions options) {
  if (a.camera == nullptr || b.camera == nullptr) return {};
  if (!a.camera->has_prior_focal_length || !b.camera->has_prior_focal_length) return {};
  const auto left = sfm::normalise(a.camera->camera, first);
  const auto right = sfm::normalise(b.camera->camera, second);
  if (!left || !right) return {};
  options.max_error /= (sfm::focal_length(a.camera->camera) + sfm::focal_length(b.camera->camera)) / 2;
  return sfm::essential_matrix(*left, *right, options);
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

/// Verifies matches in the order in which samples are to be taken.
ColmapGeometry verify(const ColmapView& first, const ColmapView& second, std::span<const IndexPair> matches,
                      const ColmapVerifyOptions& options, bool best_first) {
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
  const sfm::RobustOptions robust{.max_error = options.max_error,
                                  .confidence = options.confidence,
                                  .max_iterations = options.max_iterations,
                                  .best_first = best_first};
  const Estimate f = sfm::fundamental_matrix(left, right, robust);
  const Estimate h = sfm::homography(left, right, robust);
  const Estimate e = essential(first, second, left, right, robust);
  const Choice choice = choose(e, f, h, options);
  geometry.config = choice.config;
  if (choice.inliers == nullptr) return geometry;
  const auto& mask = choice.inliers->mask;
  if (first.camera != nullptr && second.camera != nullptr &&
      sfm::is_watermark(first.camera->camera, left, second.camera->camera, right, mask)) {
    geometry.config = ColmapConfig::watermark;
  }
  for (std::size_t i = 0; i < matches.size(); ++i) {
    if (mask[i] != 0) geometry.inliers.push_back(matches[i]);
  }
  geometry.fundamental_inliers = static_cast<int>(f.inliers);
  geometry.essential_inliers = static_cast<int>(e.inliers);
  if (f.inliers > 0) geometry.fundamental = f.matrix;
  if (e.inliers > 0) geometry.essential = e.matrix;
  if (h.inliers > 0) geometry.homography = h.matrix;
  return geometry;
}

}  // namespace

ColmapGeometry verify_pair(const ColmapView& first, const ColmapView& second, std::span<const IndexPair> matches,
                           const ColmapVerifyOptions& options) {
  return verify(first, second, matches, options, false);
}

ColmapGeometry verify_pair(const ColmapView& first, const ColmapView& second, std::span<const Match> matches,
                           const ColmapVerifyOptions& options) {
  std::vector<Match> sorted(matches.begin(), matches.end());
  std::ranges::sort(sorted, {}, [](const Match& match) { return std::tuple(-match.score, match.left, match.right); });
  std::vector<IndexPair> pairs;
  pairs.reserve(sorted.size());
  for (const Match& match : sorted) pairs.push_back({match.left, match.right});
  ColmapGeometry geometry = verify(first, second, pairs, options, true);
  std::ranges::sort(geometry.inliers, {}, [](const IndexPair& pair) { return std::pair(pair.left, pair.right); });
  return geometry;
}

}  // namespace twinpatch
