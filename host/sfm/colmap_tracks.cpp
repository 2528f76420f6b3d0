// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/sfm/colmap_tracks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "text_lines.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/vision/place_grid.hpp"

namespace twinpatch {

namespace {

constexpr double kNear = 2.0;            // pixels, between the model's keypoint and one detected here
constexpr double kLikeSize = 0.3;        // of the logarithm
constexpr double kLikeDirection = 0.85;  // cosine: 32 degrees

/// A keypoint detected where the model has one, with what is the same in all images that see one thing: its size on the
/// surface and its direction in space (the surface taken to face the camera).
struct Candidate {
  std::uint32_t image = 0;
  Keypoint keypoint;
  double log_size = 0;
  Vector3 direction{};
};

/// Detectors find several keypoints in one place, of other sizes and directions; only like ones may become one point.
bool agree(const Candidate& a, const Candidate& b) {
  const double cosine =
      a.direction[0] * b.direction[0] + a.direction[1] * b.direction[1] + a.direction[2] * b.direction[2];
  return std::abs(a.log_size - b.log_size) < kLikeSize && cosine > kLikeDirection;
}

class Detections {
 public:
  explicit Detections(const std::vector<Keypoint>& keypoints) : keypoints_(keypoints) {
    for (std::size_t i = 0; i < keypoints.size(); ++i) {
      places_.add(keypoints[i].x, keypoints[i].y, static_cast<std::int64_t>(i));
    }
  }
  /// Keypoints near a place, the detector's strongest first.
  [[nodiscard]] std::vector<Keypoint> near(double x, double y) const {
    std::vector<std::int64_t> found;
    places_.for_near(x, y, kNear, [&](std::int64_t id, double) { found.push_back(id); });
    std::sort(found.begin(), found.end());
    std::vector<Keypoint> result;
    result.reserve(found.size());
    for (const std::int64_t id : found) result.push_back(keypoints_[static_cast<std::size_t>(id)]);
    return result;
  }

 private:
  const std::vector<Keypoint>& keypoints_;
  PlaceGrid places_{16.0};
};

Candidate to_candidate(std::uint32_t id, const Keypoint& keypoint, const ColmapImage& image, const ColmapCamera& camera,
                       const Vector3& position) {
  ColmapImage to_world = image;  // the inverse rotation
  for (std::size_t i = 1; i < 4; ++i) to_world.rotation[i] = -to_world.rotation[i];
  to_world.translation = {0, 0, 0};
  const double depth = to_camera(image, position)[2];
  return {id, keypoint, std::log(keypoint.sigma * std::max(depth, 1e-12) / camera.parameters.at(0)),
          to_camera(to_world, {std::cos(keypoint.angle), std::sin(keypoint.angle), 0})};
}

/// The candidate that most images agree with, and of each of those images the first that agrees.
std::vector<Sighting> like_candidates(const std::vector<Candidate>& candidates) {
  std::vector<Sighting> best;
  for (const Candidate& centre : candidates) {
    std::vector<Sighting> sightings;
    for (const Candidate& other : candidates) {
      const bool is_new = sightings.empty() || sightings.back().image != other.image;
      if (is_new && agree(centre, other)) sightings.push_back({other.image, other.keypoint});
    }
    if (sightings.size() > best.size()) best = std::move(sightings);
  }
  return best;
}

}  // namespace

std::vector<SeenPoint> points_with_database(const ColmapModel& model,
                                            const std::map<std::string, std::vector<Keypoint>>& keypoints,
                                            const std::string& database) {
  for (const auto& [id, image] : model.images) {
    const auto found = keypoints.find(image.name);
    if (found == keypoints.end()) throw Error(fmt::format("{}: has no keypoints of {}", database, image.name));
    if (found->second.size() != image.keypoints.size()) {
      throw Error(fmt::format("{}: {} keypoints of {}, the model has {}: not from the same reconstruction", database,
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
  std::map<std::uint32_t, Detections> detections;
  for (const auto& [image, keypoints] : detected) detections.emplace(image, keypoints);
  std::vector<SeenPoint> points;
  for (const auto& [id, point] : model.points) {
    std::vector<ColmapPoint::Element> track = point.track;  // a track may hold one image twice
    std::stable_sort(track.begin(), track.end(), [](const auto& a, const auto& b) { return a.image < b.image; });
    std::vector<Candidate> candidates;
    for (const auto& element : track) {
      const auto of_image = detections.find(element.image);
      if (of_image == detections.end()) continue;
      const ColmapImage& image = model.images.at(element.image);
      const ColmapObservation& place = image.keypoints[element.keypoint];
      for (const Keypoint& keypoint : of_image->second.near(place.x, place.y)) {
        candidates.push_back(
            to_candidate(element.image, keypoint, image, model.cameras.at(image.camera), point.position));
      }
    }
    points.push_back({id, point.position, point.error, like_candidates(candidates)});
  }
  return points;
}

}  // namespace twinpatch
