// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/twinpatch/colmap_knowledge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "apps/twinpatch/photograph.hpp"
#include "twinpatch/sfm/overlap_pairs.hpp"

namespace twinpatch::app {
namespace {

using Kind = PairRule::Kind;

std::map<ColmapImageId, std::int32_t> numbers_of(const ColmapImages& images) {
  std::map<ColmapImageId, std::int32_t> numbers;
  for (const auto& row : images.rows) numbers.emplace(row.id, static_cast<std::int32_t>(numbers.size()));
  return numbers;
}

/// Throws where distances between the positions would mean nothing.
void check_coordinates(const ColmapOptions& options, const std::vector<ColmapPosition>& priors) {
  const auto of = [&](ColmapCoordinates system) {
    return std::ranges::count(priors, system, &ColmapPosition::coordinates);
  };
  if (const auto undefined = of(ColmapCoordinates::undefined); undefined > 0) {
    throw InvalidArgument(fmt::format(
        "{}: {} of {} pose priors have an undefined coordinate system, so their unit is not known; set it to WGS84 (0) "
        "or Cartesian (1) in the table pose_priors",
        options.database, undefined, priors.size()));
  }
  const auto geographic = of(ColmapCoordinates::wgs84);
  if (geographic > 0 && geographic < std::ssize(priors)) {
    throw InvalidArgument(
        fmt::format("{}: {} pose priors are in WGS84 and {} in Cartesian coordinates; spatial:R needs "
                    "one system",
                    options.database, geographic, std::ssize(priors) - geographic));
  }
}

std::vector<std::optional<Position>> positions_of(Session& session, const ColmapOptions& options,
                                                  const ColmapImages& images) {
  const auto numbers = numbers_of(images);
  std::vector<ColmapPosition> priors = images.database.positions();
  std::erase_if(priors, [&](const ColmapPosition& prior) { return !numbers.contains(prior.image); });
  if (priors.empty()) {
    throw InvalidArgument(
        fmt::format("{}: no image has a pose prior; COLMAP 3.10 and newer read them from EXIF's GPS "
                    "when images are imported",
                    options.database));
  }
  check_coordinates(options, priors);
  std::vector<std::optional<Position>> positions(images.rows.size());
  for (const ColmapPosition& prior : priors) {
    auto& position = positions[static_cast<std::size_t>(numbers.at(prior.image))];
    const auto& at = prior.position;
    try {
      // Altitudes of GPS are off by tens of metres: as in COLMAP, they do not count.
      position = prior.coordinates == ColmapCoordinates::wgs84 ? ground_position(at[0], at[1]) : at;
    } catch (const InvalidArgument& error) {
      throw InvalidArgument(fmt::format("{}: pose prior of image {}: {}", options.database,
                                        static_cast<std::uint32_t>(prior.image), error.what()));
    }
  }
  std::vector<std::string> without;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    if (!positions[i]) without.push_back(images.rows[i].name);
  }
  if (!without.empty()) {
    session.warn("{} of {} images have no position and get no pairs by spatial: {}", without.size(), positions.size(),
                 quoted_names(without));
  }
  return positions;
}

std::vector<ImagePair> verified_pairs_of(const ColmapOptions& options, const ColmapImages& images) {
  const auto numbers = numbers_of(images);
  std::vector<ImagePair> pairs;
  for (const ColmapPair pair : images.database.verified_pairs(options.verification.min_inliers)) {
    const auto first = numbers.find(pair.first);
    const auto second = numbers.find(pair.second);
    if (first != numbers.end() && second != numbers.end()) pairs.push_back({first->second, second->second});
  }
  if (!pairs.empty()) return pairs;
  throw InvalidArgument(
      fmt::format("{}: transitive:N goes on from verified pairs, and no pair has {} inliers; match and "
                  "verify some first",
                  options.database, options.verification.min_inliers));
}

std::vector<std::int64_t> frames_of(const ColmapOptions& options, const ColmapImages& images) {
  const auto frames = images.database.frames();
  if (frames.empty()) {
    throw InvalidArgument(
        fmt::format("{}: --skip-same-frame: no image is part of a frame (COLMAP 3.12 and newer)", options.database));
  }
  if (const auto uncalibrated = images.database.uncalibrated_cameras(); !uncalibrated.empty()) {
    throw InvalidArgument(fmt::format(
        "{}: --skip-same-frame: the places of {} cameras in their rigs are not known (first: camera {} of rig {}), and "
        "matches within frames help to find them; calibrate the rig, or match without this option",
        options.database, uncalibrated.size(), uncalibrated.front().camera, uncalibrated.front().rig));
  }
  std::vector<std::int64_t> result;
  for (const auto& row : images.rows) {
    const auto found = frames.find(row.id);
    result.push_back(found == frames.end() ? -1 : found->second);
  }
  return result;
}

std::vector<ImagePair> overlapping_pairs_of(Session& session, const ColmapOptions& options,
                                            const ColmapImages& images) {
  const ColmapModel model = read_colmap_model(options.poses);
  if (model.points.empty()) {
    throw InvalidArgument(fmt::format("{}: no points: nothing says how far away the scene is", options.poses));
  }
  std::map<std::string_view, std::uint32_t> by_name;
  for (const auto& [id, image] : model.images) by_name.emplace(image.name, id);
  std::vector<std::optional<std::uint32_t>> ids;
  std::vector<std::string> without;
  for (const auto& row : images.rows) {
    const auto found = by_name.find(row.name);
    ids.push_back(found == by_name.end() ? std::nullopt : std::optional(found->second));
    if (!ids.back()) without.push_back(row.name);
  }
  if (without.size() == ids.size()) {
    throw InvalidArgument(fmt::format("{}: none of the {} images of {} is in this reconstruction", options.poses,
                                      ids.size(), options.database));
  }
  if (!without.empty()) {
    session.warn("{} of {} images have no pose and get no pairs by overlap: {}", without.size(), ids.size(),
                 quoted_names(without));
  }
  const auto& rules = options.collection.pairs.rules;
  const auto rule = std::ranges::find(rules, Kind::overlap, &PairRule::kind);
  auto pairs = overlapping_pairs(model, ids, rule->number);
  if (pairs.empty()) throw InvalidArgument(fmt::format("--pairs {}: no two images overlap so much", rule->text));
  return pairs;
}

/// "1:2": two cameras of the database, the lower one first.
std::pair<std::uint32_t, std::uint32_t> sensors_of(const std::string& text, const ColmapImages& images) {
  const auto refuse = [&](const std::string& what) { throw UsageError("--skip-sensors " + text + ": " + what); };
  std::pair<std::uint32_t, std::uint32_t> cameras;
  const char* const end = text.data() + text.size();
  const auto [colon, error] = std::from_chars(text.data(), end, cameras.first);
  if (error != std::errc() || colon == end || *colon != ':') refuse("expected two ids of cameras, as in 1:2");
  const auto [rest, second_error] = std::from_chars(colon + 1, end, cameras.second);
  if (second_error != std::errc() || rest != end) refuse("expected two ids of cameras, as in 1:2");
  for (const std::uint32_t camera : {cameras.first, cameras.second}) {
    if (std::ranges::find(images.rows, camera, &ColmapImageRow::camera) == images.rows.end()) {
      refuse(fmt::format("no image has camera {}", camera));
    }
  }
  return std::minmax(cameras.first, cameras.second);
}

}  // namespace

PairKnowledge read_knowledge(Session& session, const ColmapOptions& options, const ColmapImages& images) {
  PairKnowledge knowledge;
  const PairChoice& choice = options.collection.pairs;
  if (choice.has(Kind::spatial)) knowledge.positions = positions_of(session, options, images);
  if (choice.has(Kind::overlap)) knowledge.overlapping = overlapping_pairs_of(session, options, images);
  if (choice.has(Kind::transitive)) knowledge.verified = verified_pairs_of(options, images);
  if (options.skip_same_frame) knowledge.frames = frames_of(options, images);
  for (const std::string& sensors : options.skip_sensors) knowledge.never.push_back(sensors_of(sensors, images));
  if (!knowledge.never.empty()) {
    for (const auto& row : images.rows) knowledge.cameras.push_back(row.camera);
  }
  return knowledge;
}

}  // namespace twinpatch::app
