// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/twinpatch/match_report.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace twinpatch::app {
namespace {

using Json = nlohmann::ordered_json;

PlacedMatch placed(const MatchResult& result, const Match& match) {
  const Keypoint& a = result.left.keypoints[static_cast<std::size_t>(match.left)];
  const Keypoint& b = result.right.keypoints[static_cast<std::size_t>(match.right)];
  const float shift = result.pixel_origin - 0.5F;  // from the library's convention to the user's
  PlacedMatch place{a.x + shift, a.y + shift, b.x + shift, b.y + shift, match.score, std::nullopt};
  if (result.calibration) place.probability = result.calibration->probability(match.score);
  return place;
}

Json photograph_json(const Photograph& photograph) {
  return {{"path", photograph.path},
          {"width", photograph.width},
          {"height", photograph.height},
          {"keypoints", photograph.keypoints.size()}};
}

Json rows_json(const MatchResult& result) {
  Json rows = Json::array();
  for (const auto& place : placed_matches(result)) {
    rows.push_back({place.left_x, place.left_y, place.right_x, place.right_y, place.score});
    if (place.probability) rows.back().push_back(*place.probability);
  }
  return rows;
}

}  // namespace

void mark_correct(MatchResult& result) {
  if (!result.homography) return;
  const auto errors =
      transfer_errors(result.left.keypoints, result.right.keypoints, result.matches, *result.homography);
  result.correct.clear();
  for (const double error : errors) result.correct.push_back(error <= kCorrectWithin ? 1 : 0);
}

std::int64_t correct_count(const MatchResult& result) {
  return std::count(result.correct.begin(), result.correct.end(), char{1});
}

std::vector<PlacedMatch> placed_matches(const MatchResult& result) {
  std::vector<PlacedMatch> places;
  for (const auto& match : result.matches) places.push_back(placed(result, match));
  return places;
}

Json match_json(const MatchResult& result, bool with_rows) {
  Json object{{"left", photograph_json(result.left)},
              {"right", photograph_json(result.right)},
              {"pixel_origin", result.pixel_origin},
              {"match_count", result.matches.size()}};
  if (result.homography) {
    const std::int64_t right = correct_count(result);
    object["homography"] = {{"within_pixels", kCorrectWithin}, {"correct", right}};
    object["homography"]["precision"] =
        result.matches.empty() ? Json(nullptr)
                               : Json(static_cast<double>(right) / static_cast<double>(result.matches.size()));
  }
  Json columns = {"x1", "y1", "x2", "y2", "score"};
  if (result.calibration) columns.push_back("probability");
  object["columns"] = columns;
  if (with_rows) object["matches"] = rows_json(result);
  return object;
}

}  // namespace twinpatch::app
