// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/twinpatch/guided_match.hpp"

#include "twinpatch/core/units.hpp"
#include "twinpatch/sfm/colmap_verify.hpp"
#include "twinpatch/sfm/pair_geometry.hpp"

namespace twinpatch::app {
namespace {

std::vector<Vector2> places_of(const Photograph& photograph) {
  std::vector<Vector2> places;
  places.reserve(photograph.keypoints.size());
  for (const Keypoint& keypoint : photograph.keypoints) places.push_back({keypoint.x, keypoint.y});
  return places;
}

}  // namespace

std::vector<Match> match_guided(Session& session, Engine& engine, const TwoPhotographs& photographs,
                                const MatchRules& rules, double band) {
  const auto& [left, right] = photographs;
  const RunControl& control = session.control();
  const RowChunks left_rows = rows_of(engine, left, Side::left, control);
  const RowChunks right_rows = rows_of(engine, right, Side::right, control);
  std::vector<Match> first = engine.match(left_rows, right_rows, rules, control);
  const auto geometry = geometry_of(verify_pair({nullptr, left.keypoints}, {nullptr, right.keypoints}, first));
  if (!geometry) {
    session.warn("no geometry agrees with {} of {} matches: there is no second pass", ColmapVerifyOptions{}.min_inliers,
                 first.size());
    return first;
  }
  const GridMask mask = geometry_mask(*geometry, places_of(left), places_of(right), band);
  std::vector<Match> second = engine.match(left_rows, right_rows, mask, rules, control);
  session.info(
      "second pass, {}: {} comparisons, {} matches instead of {}",
      geometry->kind == PairGeometry::Kind::homography ? "around the places of a homography" : "along epipolar lines",
      format_count(static_cast<double>(mask.pairs())), second.size(), first.size());
  return second;
}

}  // namespace twinpatch::app
