// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

#include "support/random.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/vision/cut_patches.hpp"
#include "twinpatch/vision/homography.hpp"
#include "vision/cut_reference.hpp"

// Windows of the shape of a keypoint: CutOptions::affine.

using namespace twinpatch;
using namespace twinpatch::test;

namespace {

/// First a turn by `before`, then a stretch along x to `elongation` times the length, then a turn by `after`; of the
/// area of a circle with that σ.
AffineShape some_shape(Random& random, double sigma, double elongation) {
  const double before = random.uniform(-4, 4);
  const double after = random.uniform(-4, 4);
  const double longer = sigma * std::sqrt(elongation);
  const double shorter = sigma / std::sqrt(elongation);
  const double c = std::cos(after), s = std::sin(after), d = std::cos(before), t = std::sin(before);
  return {static_cast<float>(longer * c * d - shorter * s * t), static_cast<float>(-longer * c * t - shorter * s * d),
          static_cast<float>(longer * s * d + shorter * c * t), static_cast<float>(shorter * c * d - longer * s * t)};
}

std::vector<Keypoint> some_keypoints(int count, int width, int height, std::uint64_t seed) {
  Random random(seed);
  std::vector<Keypoint> keypoints;
  for (int i = 0; i < count; ++i) {
    const auto x = static_cast<float>(random.uniform(0, width));
    const auto y = static_cast<float>(random.uniform(0, height));
    const double elongation = i % 7 == 0 ? 1.0 : std::exp(random.uniform(0, 2.29));  // up to 9.9
    keypoints.push_back(keypoint_with_shape(x, y, some_shape(random, std::exp(random.uniform(-1, 4)), elongation)));
  }
  return keypoints;
}

int worst_difference(const PatchSet& a, const PatchSet& b) {
  REQUIRE(a.size() == b.size());
  const auto* const left = static_cast<const std::uint8_t*>(a.view().pixels);
  const auto* const right = static_cast<const std::uint8_t*>(b.view().pixels);
  int worst = 0;
  for (std::int64_t i = 0; i < a.size() * a.view().patch_bytes(); ++i) {
    worst = std::max(worst, std::abs(int{left[i]} - int{right[i]}));
  }
  return worst;
}

}  // namespace

TEST_CASE("affine windows equal the plain double-precision reference, enlarged and reduced") {
  ThreadPool pool(2);
  for (const auto& [width, height] : {std::pair{311, 203}, {64, 1}, {1, 1}, {5, 90}}) {
    const GrayImage image = noise(width, height, 21);
    const auto levels = reference_pyramid(image);
    const auto keypoints = some_keypoints(60, width, height, 8);
    for (const CutOptions& options :
         {CutOptions{.affine = true}, CutOptions{.side = 31, .extent = 20, .affine = true},
          CutOptions{.side = 1, .affine = true}, CutOptions{.side = 65, .upright = true, .affine = true}}) {
      const PatchSet patches = cut_patches(image, keypoints, options, pool);
      REQUIRE(patches.size() == 60);
      CAPTURE(width, height, options.side, options.upright);
      CHECK(worst_error(patches, levels, keypoints, options) <= 0.56);  // as of windows without a shape
    }
  }
}

TEST_CASE("a shape that is a circle gives the window of its size and direction") {
  ThreadPool pool(1);
  const GrayImage image = noise(300, 200, 22);
  Random random(4);
  std::vector<Keypoint> keypoints;
  for (int i = 0; i < 50; ++i) {
    const AffineShape circle = some_shape(random, std::exp(random.uniform(-1, 4)), 1);
    keypoints.push_back(keypoint_with_shape(static_cast<float>(random.uniform(0, 300)),
                                            static_cast<float>(random.uniform(0, 200)), circle));
  }
  for (const bool upright : {false, true}) {
    const PatchSet plain = cut_patches(image, keypoints, {.upright = upright}, pool);
    const PatchSet affine = cut_patches(image, keypoints, {.upright = upright, .affine = true}, pool);
    CHECK(worst_difference(plain, affine) <= 1);  // σ and angle are rounded to float
  }
}

TEST_CASE("a surface seen aslant looks the same through windows of its shapes, and not through round ones") {
  ThreadPool pool(2);
  const auto pattern = [](double x, double y) {
    return 128 + 50 * std::sin(x * 0.11 + 0.4) * std::cos(y * 0.13) + 40 * std::sin((x + 2 * y) * 0.05);
  };
  // Foreshortened to 0.4 along a slanted axis.
  const std::array<double, 4> map{0.58, -0.24, -0.24, 0.82};
  const double det = map[0] * map[3] - map[1] * map[2];
  const GrayImage front = draw(500, 500, pattern);
  const GrayImage aslant = draw(500, 500, [&](double x, double y) {
    return pattern((map[3] * x - map[1] * y) / det, (map[0] * y - map[2] * x) / det);
  });
  Random random(6);
  std::vector<Keypoint> left, right;
  for (int i = 0; i < 40; ++i) {
    const auto x = static_cast<float>(random.uniform(250, 330));
    const auto y = static_cast<float>(random.uniform(250, 330));
    const AffineShape shape = some_shape(random, random.uniform(2, 5), 1);
    left.push_back(keypoint_with_shape(x, y, shape));
    right.push_back(keypoint_with_shape(static_cast<float>(map[0] * x + map[1] * y),
                                        static_cast<float>(map[2] * x + map[3] * y), carried_shape(shape, map)));
  }
  const auto differ = [&](bool affine) {
    const CutOptions options{.affine = affine};
    return worst_difference(cut_patches(front, left, options, pool), cut_patches(aslant, right, options, pool));
  };
  CHECK(differ(true) <= 3);  // grey levels are rounded twice, and waves of 50 pixels smoothed a little
  CHECK(differ(false) > 60);
}

TEST_CASE("upright, the ellipse stays and what is vertical in the image is so in the patch") {
  ThreadPool pool(1);
  const GrayImage columns = draw(400, 400, [](double x, double) { return 128 + 100 * std::sin(x * 0.2); });
  const auto keypoints = some_keypoints(20, 400, 400, 9);
  const PatchSet patches = cut_patches(columns, keypoints, {.upright = true, .affine = true}, pool);
  for (std::int64_t i = 0; i < patches.size(); ++i) {
    for (int column = 0; column < 64; ++column) {
      CHECK(std::abs(pixel(patches, i, column, 0) - pixel(patches, i, column, 63)) <= 1);
    }
  }
}

TEST_CASE("fine texture is averaged along the longer axis of a window, not aliased") {
  ThreadPool pool(1);
  const GrayImage board = draw(600, 600, [](double x, double y) { return (int(x) + int(y)) % 2 == 0 ? 0.0 : 255.0; });
  // Along x a patch pixel is 2.25 and 4.7 image pixels, along y 0.56 and 1.2.
  for (const float sigma : {12.0F, 25.0F}) {
    const Keypoint keypoint = keypoint_with_shape(300.3F, 299.8F, {sigma, 0, 0, sigma / 4});
    const PatchSet patches = cut_patches(board, std::vector{keypoint}, {.affine = true}, pool);
    for (int i = 0; i < 64 * 64; i += 13) REQUIRE(std::abs(pixel(patches, 0, i % 64, i / 64) - 127.5) < 2);
  }
}

TEST_CASE("without affine the shape changes nothing") {
  ThreadPool pool(1);
  const GrayImage image = noise(200, 150, 6);
  const auto with_shapes = some_keypoints(30, 200, 150, 10);
  auto without = with_shapes;
  for (Keypoint& keypoint : without) keypoint.shape.reset();
  CHECK(worst_difference(cut_patches(image, with_shapes, {}, pool), cut_patches(image, without, {}, pool)) == 0);
}

TEST_CASE("size and direction of a shape are COLMAP's") {
  const Keypoint keypoint = keypoint_with_shape(3, 4, {0, -6, 2, 0});
  CHECK(keypoint.x == 3);
  CHECK(keypoint.y == 4);
  CHECK(keypoint.sigma == 4);
  CHECK(keypoint.angle == Approx(std::atan2(2, 0)));
  CHECK(axes_of({0, -6, 2, 0}).longer == Approx(6));
  CHECK(axes_of({0, -6, 2, 0}).shorter == Approx(2));
}

TEST_CASE("shapes that no window can be cut by are refused, with the keypoint's number") {
  ThreadPool pool(1);
  const GrayImage image = noise(50, 40, 1);
  const Keypoint good = keypoint_with_shape(10, 10, {2, 0, 0, 2});
  const auto cut = [&](const Keypoint& keypoint) {
    return cut_patches(image, std::vector{good, keypoint}, {.affine = true}, pool);
  };
  const auto shaped = [&](AffineShape shape) {
    Keypoint keypoint = good;  // whose σ and angle are fine
    keypoint.shape = shape;
    return cut(keypoint);
  };
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  CHECK_THROWS_WITH(cut({10, 10, 2, 0, 0}), Catch::Contains("keypoint 1") && Catch::Contains("has no affine shape"));
  CHECK_THROWS_WITH(shaped({2, kNan, 0, 2}), Catch::Contains("keypoint 1") && Catch::Contains("finite"));
  CHECK_THROWS_WITH(shaped({2, 0, 0, kInfinity}), Catch::Contains("finite"));
  CHECK_THROWS_WITH(shaped({2, 0, 0, -2}), Catch::Contains("mirrored"));
  CHECK_THROWS_WITH(shaped({0, 2, 2, 0}), Catch::Contains("mirrored"));
  CHECK_THROWS_WITH(shaped({0, 0, 0, 0}), Catch::Contains("no area"));
  CHECK_THROWS_WITH(shaped({2, 4, 1, 2}), Catch::Contains("times as long as wide"));  // singular
  CHECK_THROWS_WITH(shaped({20.1F, 0, 0, 2}), Catch::Contains("more than 10 times as long as wide"));
  CHECK_NOTHROW(shaped({20, 0, 0, 2}));
  CHECK_NOTHROW(shaped({-2, 0, 0, -2}));  // half a turn
  CHECK_THROWS_AS(shaped({2, 0, 0, -2}), InvalidArgument);
}
