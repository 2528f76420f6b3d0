// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/sfm/overlap_pairs.hpp"

#include <algorithm>
#include <cmath>

namespace twinpatch {
namespace {

constexpr std::int64_t kMostPoints = 20'000;
constexpr double kLeastCosine = 0.5;  // of 60 degrees

/// An image that sees a point, and from where.
struct Sight {
  std::int32_t image = 0;
  Vector3 direction{};  ///< unit vector from the point to the camera
};

/// The camera's place relative to the point, as a unit vector; nothing if the point is out of view.
std::optional<Vector3> sight_of(const ColmapModel& model, const ColmapImage& image, const Vector3& point) {
  const ColmapCamera& camera = model.cameras.at(image.camera);
  const auto pixel = project(camera, to_camera(image, point));
  if (!pixel) return std::nullopt;
  const auto [x, y] = *pixel;
  if (x < 0 || y < 0 || x > static_cast<double>(camera.width) || y > static_cast<double>(camera.height)) {
    return std::nullopt;
  }
  Vector3 direction = camera_centre(image);
  for (std::size_t k = 0; k < 3; ++k) direction[k] -= point[k];
  const double length = std::hypot(direction[0], direction[1], direction[2]);
  for (double& value : direction) value /= length;
  return direction;
}

bool is_seen_alike(const Sight& a, const Sight& b) {
  const auto& [x, y, z] = a.direction;
  return x * b.direction[0] + y * b.direction[1] + z * b.direction[2] >= kLeastCosine;
}

}  // namespace

std::vector<ImagePair> overlapping_pairs(const ColmapModel& model,
                                         std::span<const std::optional<std::uint32_t>> model_images, double share) {
  const std::int64_t step = 1 + std::ssize(model.points) / kMostPoints;
  std::vector<std::vector<Sight>> sights;                              // of each point
  std::vector<std::vector<std::size_t>> seen_by(model_images.size());  // places of `sights`
  std::int64_t n = 0;
  for (const auto& [id, point] : model.points) {
    if (n++ % step != 0) continue;
    std::vector<Sight>& of_point = sights.emplace_back();
    for (std::size_t i = 0; i < model_images.size(); ++i) {
      if (!model_images[i]) continue;
      const auto direction = sight_of(model, model.images.at(*model_images[i]), point.position);
      if (!direction) continue;
      of_point.push_back({static_cast<std::int32_t>(i), *direction});
      seen_by[i].push_back(sights.size() - 1);
    }
  }
  std::vector<ImagePair> pairs;
  for (std::size_t i = 0; i < model_images.size(); ++i) {
    std::vector<std::int64_t> shared(model_images.size(), 0);
    for (const std::size_t point : seen_by[i]) {
      const auto& all = sights[point];
      const auto own = std::ranges::lower_bound(all, static_cast<std::int32_t>(i), {}, &Sight::image);
      for (auto other = own + 1; other != all.end(); ++other) {
        if (is_seen_alike(*own, *other)) ++shared[static_cast<std::size_t>(other->image)];
      }
    }
    for (std::size_t j = i + 1; j < model_images.size(); ++j) {
      const auto fewer = static_cast<double>(std::min(seen_by[i].size(), seen_by[j].size()));
      if (shared[j] > 0 && static_cast<double>(shared[j]) >= share * fewer) {
        pairs.push_back({static_cast<std::int32_t>(i), static_cast<std::int32_t>(j)});
      }
    }
  }
  return pairs;
}

}  // namespace twinpatch
