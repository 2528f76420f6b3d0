// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cmath>

#include "support/random.hpp"
#include "support/real_data.hpp"
#include "twinpatch/sfm/colmap_model.hpp"

using namespace twinpatch;
using namespace twinpatch::test;

namespace {

/// Where a camera sees (0.3, -0.2, 2): u = 0.15, v = -0.1, r² = 0.0325.
Vector2 seen(CameraModel model, std::vector<double> parameters) {
  const ColmapCamera camera{model, 640, 480, std::move(parameters)};
  const auto place = project(camera, {0.3, -0.2, 2.0});
  REQUIRE(place);
  return *place;
}

void check(const Vector2& place, double x, double y) {
  CHECK(place[0] == Approx(x).epsilon(1e-9));
  CHECK(place[1] == Approx(y).epsilon(1e-9));
}

}  // namespace

TEST_CASE("every camera model projects as its formula says") {
  constexpr double kSquares = 0.0325;
  check(seen(CameraModel::simple_pinhole, {500, 320, 240}), 320 + 75, 240 - 50);
  check(seen(CameraModel::pinhole, {500, 400, 320, 240}), 320 + 75, 240 - 40);
  const double simple = 1 + 0.1 * kSquares;
  check(seen(CameraModel::simple_radial, {500, 320, 240, 0.1}), 320 + 75 * simple, 240 - 50 * simple);
  const double radial = 1 + 0.1 * kSquares - 0.05 * kSquares * kSquares;
  check(seen(CameraModel::radial, {500, 320, 240, 0.1, -0.05}), 320 + 75 * radial, 240 - 50 * radial);
  // u' = u(1 + …) + 2 p1 u v + p2 (r² + 2u²); v' = v(1 + …) + 2 p2 u v + p1 (r² + 2v²)
  const double du = 2 * 0.01 * 0.15 * -0.1 + 0.02 * (kSquares + 2 * 0.0225);
  const double dv = 2 * 0.02 * 0.15 * -0.1 + 0.01 * (kSquares + 2 * 0.01);
  check(seen(CameraModel::opencv, {500, 400, 320, 240, 0.1, -0.05, 0.01, 0.02}), 320 + 500 * (0.15 * radial + du),
        240 + 400 * (-0.1 * radial + dv));
  const double full = (radial + 0.3 * std::pow(kSquares, 3)) /
                      (1 + 0.2 * kSquares + 0.1 * kSquares * kSquares - 0.4 * std::pow(kSquares, 3));
  check(seen(CameraModel::full_opencv, {500, 400, 320, 240, 0.1, -0.05, 0.01, 0.02, 0.3, 0.2, 0.1, -0.4}),
        320 + 500 * (0.15 * full + du), 240 + 400 * (-0.1 * full + dv));
  const double radius = std::sqrt(kSquares);
  const double angle = std::atan(radius);
  const double fish = angle / radius;
  const double a2 = angle * angle;
  check(seen(CameraModel::simple_radial_fisheye, {500, 320, 240, 0.1}), 320 + 75 * fish * (1 + 0.1 * a2),
        240 - 50 * fish * (1 + 0.1 * a2));
  check(seen(CameraModel::radial_fisheye, {500, 320, 240, 0.1, 0.2}), 320 + 75 * fish * (1 + 0.1 * a2 + 0.2 * a2 * a2),
        240 - 50 * fish * (1 + 0.1 * a2 + 0.2 * a2 * a2));
  const double four = 1 + 0.1 * a2 + 0.2 * a2 * a2 - 0.3 * std::pow(a2, 3) + 0.4 * std::pow(a2, 4);
  check(seen(CameraModel::opencv_fisheye, {500, 400, 320, 240, 0.1, 0.2, -0.3, 0.4}), 320 + 75 * fish * four,
        240 - 40 * fish * four);
  const double bend = std::atan(2 * radius * std::tan(0.45)) / (radius * 0.9);
  check(seen(CameraModel::fov, {500, 400, 320, 240, 0.9}), 320 + 75 * bend, 240 - 40 * bend);
  const double u = 0.15 * fish;
  const double v = -0.1 * fish;
  const double prism = 1 + 0.1 * a2 + 0.2 * a2 * a2 + 0.03 * std::pow(a2, 3) + 0.04 * std::pow(a2, 4);
  check(seen(CameraModel::thin_prism_fisheye, {500, 400, 320, 240, 0.1, 0.2, 0.01, 0.02, 0.03, 0.04, 0.005, 0.006}),
        320 + 500 * (u * prism + 2 * 0.01 * u * v + 0.02 * (a2 + 2 * u * u) + 0.005 * a2),
        240 + 400 * (v * prism + 2 * 0.02 * u * v + 0.01 * (a2 + 2 * v * v) + 0.006 * a2));
}

TEST_CASE("what is behind the camera, or beyond the lens's turning point, is not seen") {
  const ColmapCamera camera{CameraModel::simple_radial, 640, 480, {500, 320, 240, -0.2}};
  CHECK_FALSE(project(camera, {0, 0, -1}));
  CHECK_FALSE(project(camera, {0, 0, 0}));
  CHECK(project(camera, {1.0, 0, 1}));
  // r (1 - 0.2 r²) falls again beyond r = 1.29.
  CHECK_FALSE(project(camera, {1.5, 0, 1}));
  CHECK_FALSE(project({static_cast<CameraModel>(99), 640, 480, {500, 320, 240}}, {0, 0, 1}));
}

TEST_CASE("poses: rotation of any length, and the centre is where the camera's frame has its origin") {
  ColmapImage image;
  image.rotation = {2 * std::cos(0.3), 0, 2 * std::sin(0.3), 0};  // 0.6 about y
  image.translation = {0.5, -1, 2};
  const Vector3 turned = to_camera(image, {1, 2, 3});
  CHECK(turned[0] == Approx(std::cos(0.6) + 3 * std::sin(0.6) + 0.5));
  CHECK(turned[1] == Approx(1.0));
  CHECK(turned[2] == Approx(-std::sin(0.6) + 3 * std::cos(0.6) + 2));
  for (const double value : to_camera(image, camera_centre(image))) CHECK(value == Approx(0).margin(1e-12));
}

TEST_CASE("a real reconstruction reprojects onto its own keypoints") {
  for (const char* name : {"strecha_fountain-P11/sparse", "odm_seneca/sparse", "lund_door/colmap_ground_truth"}) {
    const auto folder = real_data(name);
    if (folder.empty()) {
      WARN("skipped: no real data (TWINPATCH_DATA_DIR): " << name);
      continue;
    }
    const ColmapModel model = read_colmap_model(folder);
    double sum = 0;
    double count = 0;
    for (const auto& [id, point] : model.points) {
      for (const auto& element : point.track) {
        const ColmapImage& image = model.images.at(element.image);
        const auto place = project(model.cameras.at(image.camera), to_camera(image, point.position));
        REQUIRE(place);
        const ColmapObservation& keypoint = image.keypoints[element.keypoint];
        CHECK(keypoint.point == id);
        sum += std::hypot((*place)[0] - keypoint.x, (*place)[1] - keypoint.y);
        ++count;
      }
    }
    CAPTURE(name, count);
    CHECK(count > 5000);
    CHECK(sum / count < 1.2);
  }
}
