// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cmath>

#include "support/message.hpp"
#include "support/random.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/sfm/pair_geometry.hpp"

using namespace twinpatch;
using namespace twinpatch::test;
using Catch::Contains;

namespace {

constexpr double kFocal = 900;
constexpr double kPixels = 5;

Vector3 times(const std::array<double, 9>& m, const Vector3& v) {
  return {m[0] * v[0] + m[1] * v[1] + m[2] * v[2], m[3] * v[0] + m[4] * v[1] + m[5] * v[2],
          m[6] * v[0] + m[7] * v[1] + m[8] * v[2]};
}
std::array<double, 9> transposed(const std::array<double, 9>& m) {
  return {m[0], m[3], m[6], m[1], m[4], m[7], m[2], m[5], m[8]};
}

double line_distance(const std::array<double, 9>& f, const Vector2& from, const Vector2& to) {
  const Vector3 l = times(f, {from[0], from[1], 1});
  return std::fabs(l[0] * to[0] + l[1] * to[1] + l[2]) / std::hypot(l[0], l[1]);
}

/// Every pair by itself.
bool agrees(const PairGeometry& geometry, const Vector2& left, const Vector2& right) {
  if (geometry.kind == PairGeometry::Kind::homography) {
    const Vector3 to = times(geometry.matrix, {left[0], left[1], 1});
    return std::hypot(to[0] / to[2] - right[0], to[1] / to[2] - right[1]) <= kPixels;
  }
  return line_distance(geometry.matrix, left, right) <= kPixels &&
         line_distance(transposed(geometry.matrix), right, left) <= kPixels;
}

std::vector<Vector2> some_points(int count, std::uint64_t seed) {
  Random random(seed);
  std::vector<Vector2> points;
  for (int i = 0; i < count; ++i) points.push_back({random.uniform(-640, 640), random.uniform(-480, 480)});
  return points;
}

void expect_mask(const PairGeometry& geometry, const std::vector<Vector2>& left, const std::vector<Vector2>& right) {
  const GridMask mask = geometry_mask(geometry, left, right, kPixels);
  REQUIRE(mask.rows() == std::ssize(left));
  REQUIRE(mask.columns() == std::ssize(right));
  int wrong = 0;
  std::int64_t all = 0;
  for (std::size_t i = 0; i < left.size(); ++i) {
    std::vector<bool> leaves(right.size());
    for (const ColumnInterval in : mask.row(static_cast<std::int64_t>(i))) {
      for (std::int32_t j = in.begin; j < in.end; ++j) leaves[static_cast<std::size_t>(j)] = true;
    }
    for (std::size_t j = 0; j < right.size(); ++j) {
      const bool expected = agrees(geometry, left[i], right[j]);
      wrong += leaves[j] != expected ? 1 : 0;
      all += expected ? 1 : 0;
    }
  }
  CHECK(wrong == 0);
  CHECK(mask.pairs() == all);
  if (left.size() > 100 && right.size() > 100) CHECK(all > 0);
}

/// A camera turned by `angle` about its y axis (and a little about z), at `centre`.
ColmapImage camera(double angle, const Vector3& centre) {
  ColmapImage image;
  image.rotation = {std::cos(angle / 2), 0, std::sin(angle / 2), 0.02};
  ColmapImage at_origin = image;
  at_origin.translation = {0, 0, 0};
  const Vector3 moved = to_camera(at_origin, centre);
  image.translation = {-moved[0], -moved[1], -moved[2]};
  return image;
}

}  // namespace

TEST_CASE("a mask has exactly the pairs that agree with the geometry") {
  const auto left = some_points(257, 1);
  const auto right = some_points(301, 2);
  const ColmapImage origin = camera(0, {0, 0, 0});
  const std::vector<std::pair<const char*, ColmapImage>> cameras = {
      {"to the side, turned", camera(0.3, {-2, 0.3, 0.4})},
      {"to the side: the epipole at infinity", camera(0, {1, 0, 0})},
      {"nearly so", camera(1e-7, {1, 0, 0})},
      {"up: epipolar lines are vertical", camera(0, {0, 1, 0})},
      {"forwards: the epipole in the image", camera(0, {0, 0, 1})},
      {"forwards and aside", camera(0.1, {0.2, 0.1, 1})},
      {"backwards: at its edge", camera(-0.6, {0.3, 0, -1})},
      {"turned only", camera(0.2, {0, 0, 0})},
  };
  for (const auto& [name, second] : cameras) {
    INFO(name);
    const PairGeometry geometry = geometry_of_poses(origin, kFocal, second, kFocal * 1.1);
    CHECK((geometry.kind == PairGeometry::Kind::homography) == (std::string(name) == "turned only"));
    expect_mask(geometry, left, right);
    expect_mask(geometry, some_points(1, 3), right);
    expect_mask(geometry, left, some_points(1, 4));
    expect_mask(geometry, {}, right);
    expect_mask(geometry, left, {});
  }
}

TEST_CASE("points of a scene lie on the epipolar lines of their poses, and where a rotation puts them") {
  Random random(7);
  const ColmapImage first = camera(0.1, {0.5, 0, 0});
  for (const ColmapImage& second : {camera(-0.2, {1.5, 0.2, 0.1}), camera(-0.2, {0.5, 0, 0})}) {
    const PairGeometry geometry = geometry_of_poses(first, kFocal, second, 700);
    std::vector<Vector2> left;
    std::vector<Vector2> right;
    for (int i = 0; i < 50; ++i) {
      const Vector3 point{random.uniform(-1, 1), random.uniform(-1, 1), random.uniform(4, 8)};
      const Vector3 a = to_camera(first, point);
      const Vector3 b = to_camera(second, point);
      left.push_back({kFocal * a[0] / a[2], kFocal * a[1] / a[2]});
      right.push_back({700 * b[0] / b[2], 700 * b[1] / b[2]});
    }
    const GridMask mask = geometry_mask(geometry, left, right, 1e-6);
    for (std::int64_t i = 0; i < 50; ++i) {
      const auto row = mask.row(i);
      CHECK(std::any_of(row.begin(), row.end(), [&](ColumnInterval in) { return in.begin <= i && i < in.end; }));
    }
  }
}

TEST_CASE("matrices that are no geometry are refused") {
  using Kind = PairGeometry::Kind;
  const auto refusal = [](const PairGeometry& geometry) {
    return message_of<InvalidArgument>([&] { check_geometry(geometry, 1000); });
  };
  const PairGeometry good = geometry_of_poses(camera(0, {0, 0, 0}), kFocal, camera(0.3, {1, 0, 0.2}), kFocal);
  CHECK_NOTHROW(check_geometry(good, 1000));
  PairGeometry bad = good;
  bad.matrix[4] = std::nan("");
  CHECK_THAT(refusal(bad), Contains("not finite (nan)"));
  bad = good;
  bad.matrix[0] += 0.1 * good.matrix[4];
  bad.matrix[8] += good.matrix[8] + 0.1;
  CHECK_THAT(refusal(bad), Contains("rank 3, expected 2"));
  CHECK_THAT(refusal({Kind::fundamental, {1, 0, 0, 0, 0, 0, 0, 0, 0}}), Contains("rank 1"));
  CHECK_THAT(refusal({Kind::fundamental, {}}), Contains("zero"));
  CHECK_THAT(refusal({Kind::homography, {1, 0, 0, 0, 1, 0, 1, 1, 0}}), Contains("singular"));
  CHECK_NOTHROW(check_geometry({Kind::homography, {1, 0, 17, 0, 1, 0, 0, 0, 1}}, 1000));
  CHECK_THAT(message_of<InvalidArgument>([&] { (void)geometry_mask(good, some_points(3, 1), some_points(3, 2), 0); }),
             Contains("width in pixels"));
}

TEST_CASE("a verified pair is guided by its matrix, a plane by its homography") {
  using Kind = PairGeometry::Kind;
  ColmapGeometry verified;
  verified.fundamental = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  verified.homography = {9, 8, 7, 6, 5, 4, 3, 2, 1};
  CHECK_FALSE(geometry_of(verified));  // degenerate
  for (const auto config : {ColmapConfig::calibrated, ColmapConfig::uncalibrated}) {
    verified.config = config;
    const auto geometry = geometry_of(verified);
    REQUIRE(geometry);
    CHECK(geometry->kind == Kind::fundamental);
    CHECK(geometry->matrix == *verified.fundamental);
  }
  verified.config = ColmapConfig::planar_or_panoramic;
  const auto plane = geometry_of(verified);
  REQUIRE(plane);
  CHECK(plane->kind == Kind::homography);
  CHECK(plane->matrix == *verified.homography);
  verified.config = ColmapConfig::watermark;
  CHECK_FALSE(geometry_of(verified));
}
