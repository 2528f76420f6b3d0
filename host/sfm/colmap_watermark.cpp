// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "colmap_watermark.hpp"

#include <algorithm>
#include <cmath>

namespace twinpatch::sfm {
namespace {

// Defaults of COLMAP's TwoViewGeometryOptions.
constexpr double kLeastShare = 0.7;
constexpr double kBorder = 0.1;  // of the diagonal
constexpr double kMaxError = 4;  // pixels
/// Translations that are tried. If 70 % share one, all miss it with a probability of 0.3^32.
constexpr std::size_t kTrials = 32;

bool is_in_border(const ColmapCamera& camera, const cv::Point2d& point) {
  const auto width = static_cast<double>(camera.width);
  const auto height = static_cast<double>(camera.height);
  const double border = kBorder * std::hypot(width, height);
  return point.x < border || point.y < border || point.x > width - border || point.y > height - border;
}

/// The largest number of moves that agree with one of those tried, which are spread over all.
std::int64_t most_alike(const Points& moves) {
  std::int64_t most = 0;
  const std::size_t trials = std::min(kTrials, moves.size());
  for (std::size_t trial = 0; trial < trials; ++trial) {
    const cv::Point2d tried = moves[trial * moves.size() / trials];
    most = std::max<std::int64_t>(most, std::count_if(moves.begin(), moves.end(), [&](const cv::Point2d& move) {
                                    return std::hypot(move.x - tried.x, move.y - tried.y) <= kMaxError;
                                  }));
  }
  return most;
}

}  // namespace

bool is_watermark(const ColmapCamera& first_camera, const Points& first, const ColmapCamera& second_camera,
                  const Points& second, std::span<const std::uint8_t> inliers) {
  Points moves;
  std::int64_t in_border = 0;
  for (std::size_t i = 0; i < inliers.size(); ++i) {
    if (inliers[i] == 0) continue;
    moves.push_back(second[i] - first[i]);
    if (is_in_border(first_camera, first[i]) && is_in_border(second_camera, second[i])) ++in_border;
  }
  const double enough = kLeastShare * static_cast<double>(moves.size());
  if (moves.empty() || static_cast<double>(in_border) < enough) return false;
  return static_cast<double>(most_alike(moves)) >= enough;
}

}  // namespace twinpatch::sfm
