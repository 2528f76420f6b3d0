// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "colmap_keypoints.hpp"

#include <fmt/format.h>

#include <limits>
#include <optional>

#include "place_grid.hpp"
#include "text_lines.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch::dataset {

namespace {

constexpr double kNear = 2.0;  // pixels, between the model's keypoint and one detected here

/// Keypoints of an image and where they are.
struct Detected {
  const std::vector<Keypoint>& keypoints;
  PlaceGrid places{16.0};

  explicit Detected(const std::vector<Keypoint>& k) : keypoints(k) {
    for (std::size_t i = 0; i < k.size(); ++i) places.add(k[i].x, k[i].y, static_cast<std::int64_t>(i));
  }
  /// The nearest; of several in one place the strongest, which stands first.
  [[nodiscard]] std::optional<Keypoint> nearest(double x, double y) const {
    std::int64_t best = -1;
    double best_distance = kNear;
    places.for_near(x, y, kNear, [&](std::int64_t id, double distance) {
      if (best < 0 || distance < best_distance || (distance == best_distance && id < best)) {
        best = id;
        best_distance = distance;
      }
    });
    if (best < 0) return std::nullopt;
    return keypoints[static_cast<std::size_t>(best)];
  }
};

}  // namespace

std::vector<SeenPoint> points_with_database(const ColmapModel& model,
                                            const std::map<std::string, std::vector<Keypoint>>& keypoints,
                                            const std::string& database) {
  for (const auto& [id, image] : model.images) {
    const auto found = keypoints.find(image.name);
    if (found == keypoints.end()) throw Error(fmt::format("{}: has no keypoints of {}", database, image.name));
    if (found->second.size() != image.keypoints.size()) {
      throw Error(fmt::format("{}: {} keypoints of {}, the model has {}: not of one run", database,
                              found->second.size(), image.name, image.keypoints.size()));
    }
  }
  std::vector<SeenPoint> points;
  for (const auto& [id, point] : model.points) {
    SeenPoint seen{id, point.position, point.error, {}};
    for (const auto& element : point.track) {
      seen.sightings.push_back({element.image, keypoints.at(model.images.at(element.image).name)[element.keypoint]});
    }
    points.push_back(std::move(seen));
  }
  return points;
}

std::vector<SeenPoint> parse_tracks(std::string_view text, const std::string& path, const ColmapModel& model) {
  TextLines lines(text, path);
  std::vector<SeenPoint> points;
  while (lines.next_filled()) {
    SeenPoint point;
    point.id = lines.integer("a point id", 0, std::numeric_limits<std::int64_t>::max());
    for (double& value : point.position) value = lines.real("the position");
    point.error = lines.real("the error");
    const std::int64_t count = lines.integer("the number of images", 0, 1'000'000);
    for (std::int64_t i = 0; i < count; ++i) {
      Sighting sighting;
      sighting.image =
          static_cast<std::uint32_t>(lines.integer("an image id", 0, std::numeric_limits<std::uint32_t>::max()));
      if (!model.images.contains(sighting.image)) {
        lines.fail(fmt::format("image {} is not in the model", sighting.image));
      }
      sighting.keypoint.x = static_cast<float>(lines.real("x"));
      sighting.keypoint.y = static_cast<float>(lines.real("y"));
      sighting.keypoint.sigma = static_cast<float>(lines.real("sigma"));
      sighting.keypoint.angle = static_cast<float>(lines.real("an angle"));
      if (!(sighting.keypoint.sigma > 0)) lines.fail(fmt::format("sigma {} is not positive", sighting.keypoint.sigma));
      point.sightings.push_back(sighting);
    }
    if (lines.has_field()) lines.fail(fmt::format("expected {} images, found more", count));
    points.push_back(std::move(point));
  }
  return points;
}

std::vector<SeenPoint> points_with_detections(const ColmapModel& model,
                                              const std::map<std::uint32_t, std::vector<Keypoint>>& detected) {
  std::map<std::uint32_t, Detected> grids;
  for (const auto& [image, keypoints] : detected) grids.emplace(image, keypoints);
  std::vector<SeenPoint> points;
  for (const auto& [id, point] : model.points) {
    SeenPoint seen{id, point.position, point.error, {}};
    for (const auto& element : point.track) {
      const auto grid = grids.find(element.image);
      if (grid == grids.end()) continue;
      const ColmapObservation& place = model.images.at(element.image).keypoints[element.keypoint];
      if (auto keypoint = grid->second.nearest(place.x, place.y)) {
        seen.sightings.push_back({element.image, *keypoint});
      }
    }
    points.push_back(std::move(seen));
  }
  return points;
}

}  // namespace twinpatch::dataset
