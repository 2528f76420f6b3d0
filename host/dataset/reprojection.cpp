// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "reprojection.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <opencv2/core.hpp>
#include <set>

#include "twinpatch/vision/homography.hpp"

namespace twinpatch::dataset {

namespace {

constexpr double kDegrees = std::numbers::pi / 180.0;
constexpr std::size_t kNeighbours = 8;
constexpr double kNeighbourhood = 0.04;  // of the image's longer side
constexpr int kMinShared = 15;           // points two images share before one's points are looked for in the other
constexpr double kMaxScaleChange = 2.5;  // from the nearest image that saw the point
constexpr double kMaxSlant = 75.0;       // degrees between the surface's normal and the line of sight
constexpr double kFlat = 0.05;           // smallest to second-smallest spread of points that lie in a plane

Vector3 minus(const Vector3& a, const Vector3& b) { return {a[0] - b[0], a[1] - b[1], a[2] - b[2]}; }
Vector3 plus(const Vector3& a, const Vector3& b, double factor) {
  return {a[0] + factor * b[0], a[1] + factor * b[1], a[2] + factor * b[2]};
}
double dot(const Vector3& a, const Vector3& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }
Vector3 cross(const Vector3& a, const Vector3& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}
Vector3 unit(const Vector3& a) {
  const double length = std::sqrt(dot(a, a));
  return length > 0 ? Vector3{a[0] / length, a[1] / length, a[2] / length} : a;
}
double angle_between(const Vector3& a, const Vector3& b) {
  return std::acos(std::clamp(dot(unit(a), unit(b)), -1.0, 1.0));
}

/// 2×2, row-major: pixels per unit along two directions of the surface.
using Matrix2 = std::array<double, 4>;
double determinant(const Matrix2& m) { return m[0] * m[3] - m[1] * m[2]; }

/// A point of a surface and steps along it.
struct SurfaceSteps {
  Vector3 point;
  Vector3 u, v;  ///< unit vectors that span the surface
  double length = 0;
};

/// How an image sees the steps from the point.
std::optional<Matrix2> surface_jacobian(const ColmapImage& image, const ColmapCamera& camera,
                                        const SurfaceSteps& steps) {
  const auto& [point, u, v, step] = steps;
  const auto at = project(camera, to_camera(image, point));
  const auto along_u = project(camera, to_camera(image, plus(point, u, step)));
  const auto along_v = project(camera, to_camera(image, plus(point, v, step)));
  if (!at || !along_u || !along_v) return std::nullopt;
  return Matrix2{(*along_u)[0] - (*at)[0], (*along_v)[0] - (*at)[0], (*along_u)[1] - (*at)[1],
                 (*along_v)[1] - (*at)[1]};
}

/// b · a⁻¹
Matrix2 change(const Matrix2& a, const Matrix2& b) {
  const double d = determinant(a);
  const Matrix2 inverse{a[3] / d, -a[1] / d, -a[2] / d, a[0] / d};
  return {b[0] * inverse[0] + b[1] * inverse[2], b[0] * inverse[1] + b[1] * inverse[3],
          b[2] * inverse[0] + b[3] * inverse[2], b[2] * inverse[1] + b[3] * inverse[3]};
}

}  // namespace

Reprojection::Reprojection(const ColmapModel& model, const std::vector<SeenPoint>& points,
                           const ColmapDatasetOptions& options)
    : points_(points), options_(options) {
  for (const auto& [id, image] : model.images) {
    const ColmapCamera& camera = model.cameras.at(image.camera);
    const double radius = kNeighbourhood * static_cast<double>(std::max(camera.width, camera.height));
    pictures_.emplace(id, Picture{&image, &camera, camera_centre(image), {}, PlaceGrid(radius), radius});
  }
  std::map<std::pair<std::uint32_t, std::uint32_t>, int> shared;
  for (std::size_t p = 0; p < points.size(); ++p) {
    for (const Sighting& sighting : points[p].sightings) {
      Picture& picture = pictures_.at(sighting.image);
      const double depth = to_camera(*picture.image, points[p].position)[2];
      picture.places.add(sighting.keypoint.x, sighting.keypoint.y, static_cast<std::int64_t>(picture.seen.size()));
      picture.seen.push_back({sighting.keypoint.x, sighting.keypoint.y, depth, p});
      for (const Sighting& other : points[p].sightings) {
        if (other.image != sighting.image) ++shared[{sighting.image, other.image}];
      }
    }
  }
  for (const auto& [images, count] : shared) {
    if (count >= kMinShared) related_[images.first].push_back(images.second);
  }
}

/// The nearest points seen around a place, by their index in picture.seen.
std::vector<std::size_t> Reprojection::neighbours(const Picture& picture, double x, double y, std::size_t own) const {
  std::vector<std::pair<double, std::size_t>> near;
  picture.places.for_near(x, y, picture.radius, [&](std::int64_t id, double distance) {
    if (picture.seen[static_cast<std::size_t>(id)].point != own) near.emplace_back(distance, id);
  });
  std::sort(near.begin(), near.end());
  if (near.size() > kNeighbours) near.resize(kNeighbours);
  std::vector<std::size_t> result;
  result.reserve(near.size());
  for (const auto& [distance, id] : near) result.push_back(id);
  return result;
}

bool Reprojection::is_unhidden(const Picture& picture, std::size_t p) const {
  const Vector3 local = to_camera(*picture.image, points_[p].position);
  const auto place = project(*picture.camera, local);
  if (!place) return false;
  const auto around = neighbours(picture, (*place)[0], (*place)[1], p);
  if (static_cast<int>(around.size()) < options_.min_neighbours) return false;
  std::size_t agreeing = 0;
  for (const std::size_t i : around) {
    if (std::abs(picture.seen[i].depth - local[2]) <= options_.depth_tolerance * local[2]) ++agreeing;
  }
  return 4 * agreeing >= 3 * around.size();
}

/// Of the surface about the point: of the plane through its neighbours where they lie in one, else towards the cameras
/// that saw it.
Vector3 Reprojection::normal(std::size_t p) const {
  const SeenPoint& point = points_[p];
  Vector3 to_cameras{};
  for (const Sighting& sighting : point.sightings) {
    to_cameras = plus(to_cameras, unit(minus(pictures_.at(sighting.image).centre, point.position)), 1.0);
  }
  to_cameras = unit(to_cameras);
  const Sighting& first = point.sightings.front();
  const Picture& picture = pictures_.at(first.image);
  cv::Matx33d spread = cv::Matx33d::zeros();
  int count = 0;
  const double depth = to_camera(*picture.image, point.position)[2];
  for (const std::size_t i : neighbours(picture, first.keypoint.x, first.keypoint.y, p)) {
    const Seen& seen = picture.seen[i];
    if (std::abs(seen.depth - depth) > options_.depth_tolerance * depth) continue;
    const Vector3 offset = minus(points_[seen.point].position, point.position);
    const cv::Vec3d o(offset[0], offset[1], offset[2]);
    spread += o * o.t();
    ++count;
  }
  if (count < 5) return to_cameras;
  cv::Vec3d values;
  cv::Matx33d vectors;
  cv::eigen(spread, values, vectors);  // values descend, vectors are rows
  if (!(values[1] > 0) || values[2] > kFlat * values[1]) return to_cameras;
  Vector3 found{vectors(2, 0), vectors(2, 1), vectors(2, 2)};
  if (dot(found, to_cameras) < 0) found = {-found[0], -found[1], -found[2]};
  return dot(found, to_cameras) > 0.25 ? found : to_cameras;
}

std::optional<Reprojection::Transfer> Reprojection::transfer(std::size_t p, const Vector3& surface_normal,
                                                             const Sighting& seen, std::uint32_t target) const {
  const Vector3& position = points_[p].position;
  const Picture& picture = pictures_.at(target);
  const Vector3 local = to_camera(*picture.image, position);
  const auto place = project(*picture.camera, local);
  if (!place) return std::nullopt;
  if (angle_between(minus(picture.centre, position), surface_normal) > kMaxSlant * kDegrees) return std::nullopt;
  const Vector3 u =
      unit(cross(surface_normal, std::abs(surface_normal[0]) < 0.8 ? Vector3{1, 0, 0} : Vector3{0, 1, 0}));
  const Vector3 v = cross(surface_normal, u);
  const Picture& source = pictures_.at(seen.image);
  const SurfaceSteps steps{position, u, v, 1e-3 * local[2]};
  const auto there = surface_jacobian(*source.image, *source.camera, steps);
  const auto here = surface_jacobian(*picture.image, *picture.camera, steps);
  if (!there || !here || std::abs(determinant(*there)) < 1e-12) return std::nullopt;
  const Matrix2 jacobian = change(*there, *here);
  const double area = determinant(jacobian);
  if (!(area > 0)) return std::nullopt;  // seen from behind
  Transfer result{seen.keypoint, std::sqrt(area)};
  const double c = std::cos(seen.keypoint.angle);
  const double s = std::sin(seen.keypoint.angle);
  result.keypoint.x = static_cast<float>((*place)[0]);
  result.keypoint.y = static_cast<float>((*place)[1]);
  result.keypoint.sigma = static_cast<float>(seen.keypoint.sigma * result.scale);
  result.keypoint.angle =
      static_cast<float>(std::atan2(jacobian[2] * c + jacobian[3] * s, jacobian[0] * c + jacobian[1] * s));
  if (seen.keypoint.shape) result.keypoint.shape = carried_shape(*seen.keypoint.shape, jacobian);
  return result;
}

std::optional<Sighting> Reprojection::carried(std::size_t p, const Vector3& surface_normal,
                                              std::uint32_t target) const {
  const SeenPoint& point = points_[p];
  const Picture& picture = pictures_.at(target);
  const Vector3 sight = minus(picture.centre, point.position);
  const Sighting* nearest = nullptr;
  double nearest_angle = options_.max_view_angle * kDegrees;
  for (const Sighting& sighting : point.sightings) {
    const double angle = angle_between(sight, minus(pictures_.at(sighting.image).centre, point.position));
    if (angle <= nearest_angle) {
      nearest = &sighting;
      nearest_angle = angle;
    }
  }
  if (nearest == nullptr || !is_unhidden(picture, p)) return std::nullopt;
  const auto there = transfer(p, surface_normal, *nearest, target);
  if (!there || there->scale > kMaxScaleChange || there->scale < 1.0 / kMaxScaleChange) return std::nullopt;
  return Sighting{target, there->keypoint};
}

std::vector<std::uint32_t> Reprojection::related(std::uint32_t image) const {
  const auto found = related_.find(image);
  return found == related_.end() ? std::vector<std::uint32_t>() : found->second;
}

bool Reprojection::sees(std::uint32_t image, std::size_t p) const {
  const auto& track = points_[p].sightings;
  return std::any_of(track.begin(), track.end(), [&](const Sighting& seen) { return seen.image == image; }) ||
         is_unhidden(pictures_.at(image), p);
}

std::optional<Keypoint> Reprojection::carry(std::size_t p, const Sighting& seen, std::uint32_t target) const {
  const auto there = transfer(p, normal(p), seen, target);
  return there ? std::optional(there->keypoint) : std::nullopt;
}

std::vector<Sighting> Reprojection::candidates(std::size_t p) const {
  const SeenPoint& point = points_[p];
  std::set<std::uint32_t> own;
  for (const Sighting& sighting : point.sightings) own.insert(sighting.image);
  std::set<std::uint32_t> targets;
  for (const std::uint32_t image : own) {
    const auto related = related_.find(image);
    if (related == related_.end()) continue;
    for (const std::uint32_t other : related->second) {
      if (!own.contains(other)) targets.insert(other);
    }
  }
  std::vector<Sighting> found;
  if (targets.empty()) return found;
  const Vector3 surface_normal = normal(p);
  for (const std::uint32_t target : targets) {
    if (auto sighting = carried(p, surface_normal, target)) found.push_back(*sighting);
  }
  return found;
}

}  // namespace twinpatch::dataset
