// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/twinpatch/match_report.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace twinpatch::app {
namespace {

using Json = nlohmann::ordered_json;

PlacedMatch placed(const MatchResult& result, const Keypoint& right, std::size_t i) {
  const Match& match = result.matches[i];
  const Keypoint& left = result.left.keypoints[static_cast<std::size_t>(match.left)];
  const float shift = result.pixel_origin - 0.5F;  // from the library's convention to the user's
  PlacedMatch place{left.x + shift, left.y + shift, right.x + shift, right.y + shift, match.score, {}, {}};
  if (result.calibration) place.probability = result.calibration->probability(match.score);
  if (!result.refined.empty()) place.correlation = result.refined[i].correlation;
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
    if (place.correlation) rows.back().push_back(*place.correlation);
  }
  return rows;
}

}  // namespace

RightEnds right_ends(const MatchResult& result) {
  RightEnds ends;
  for (std::size_t i = 0; i < result.matches.size(); ++i) {
    const Match& match = result.matches[i];
    ends.keypoints.push_back(result.right.keypoints[static_cast<std::size_t>(match.right)]);
    if (!result.refined.empty()) {
      ends.keypoints.back().x = result.refined[i].x;
      ends.keypoints.back().y = result.refined[i].y;
    }
    ends.matches.push_back({match.left, static_cast<std::int32_t>(i), match.score});
  }
  return ends;
}

void mark_correct(MatchResult& result) {
  if (!result.homography) return;
  const RightEnds ends = right_ends(result);
  const auto errors = transfer_errors(result.left.keypoints, ends.keypoints, ends.matches, *result.homography);
  result.counts = count_transfers(errors);
  result.correct.clear();
  for (const double error : errors) result.correct.push_back(error <= kCorrectWithin ? 1 : 0);
}

std::string correct_text(const MatchResult& result, const std::string& truth) {
  const auto& [within, near_misses, others] = result.counts;
  const std::size_t all = result.matches.size();
  return fmt::format(
      "{} of {} matches ({:.1f} %) within {} px of {}, {} within 2 and {} within 1; {} are up to 8 px off", within[2],
      all, 100.0 * static_cast<double>(within[2]) / static_cast<double>(all), kCorrectWithin, truth, within[1],
      within[0], near_misses);
}

std::vector<PlacedMatch> placed_matches(const MatchResult& result) {
  const RightEnds ends = right_ends(result);
  std::vector<PlacedMatch> places;
  for (std::size_t i = 0; i < result.matches.size(); ++i) places.push_back(placed(result, ends.keypoints[i], i));
  return places;
}

Json match_json(const MatchResult& result, bool with_rows) {
  Json object{{"left", photograph_json(result.left)},
              {"right", photograph_json(result.right)},
              {"pixel_origin", result.pixel_origin},
              {"match_count", result.matches.size()}};
  if (!result.refined.empty()) object["refined"] = std::ranges::count_if(result.refined, &RefinedEnd::refined);
  if (result.homography) {
    const auto& [within, near_misses, others] = result.counts;
    const std::int64_t right = within[2];
    object["homography"] = {{"within_pixels", kCorrectWithin}, {"correct", right}};
    object["homography"]["within_1_2_3_pixels"] = within;
    object["homography"]["near_misses"] = near_misses;
    object["homography"]["precision"] =
        result.matches.empty() ? Json(nullptr)
                               : Json(static_cast<double>(right) / static_cast<double>(result.matches.size()));
  }
  Json columns = {"x1", "y1", "x2", "y2", "score"};
  if (result.calibration) columns.push_back("probability");
  if (!result.refined.empty()) columns.push_back("correlation");
  object["columns"] = columns;
  if (with_rows) object["matches"] = rows_json(result);
  return object;
}

}  // namespace twinpatch::app
