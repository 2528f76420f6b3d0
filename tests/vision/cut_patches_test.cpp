// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/vision/cut_patches.hpp"

#include <hwy/highway.h>
#include <catch2/catch.hpp>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <numbers>

#include "support/random.hpp"
#include "twinpatch/core/error.hpp"
#include "vision/cut_reference.hpp"

using namespace twinpatch;
using namespace twinpatch::test;

namespace {

/// Waves as long as a patch, and longer.
double waves(double x, double y) {
  return 128 + 45 * std::sin(x * 0.019 + 0.4) * std::cos(y * 0.023) + 40 * std::sin((x + 2 * y) * 0.008);
}

}  // namespace

TEST_CASE("patches equal the plain double-precision reference") {
  ThreadPool pool(2);
  for (const auto& [width, height] : {std::pair{311, 203}, {64, 1}, {1, 1}, {5, 90}, {256, 256}}) {
    const GrayImage image = noise(width, height, 11);
    const auto levels = reference_pyramid(image);
    Random random(5);
    std::vector<Keypoint> keypoints(60);
    for (Keypoint& keypoint : keypoints) {
      keypoint = {static_cast<float>(random.uniform(0, width)), static_cast<float>(random.uniform(0, height)),
                  static_cast<float>(std::exp(random.uniform(-1, 4.5))), static_cast<float>(random.uniform(-4, 7)), 0};
    }
    for (const CutOptions& options : {CutOptions{}, CutOptions{31, 13.5F, false}, CutOptions{1, 12, false},
                                      CutOptions{65, 12, true}, CutOptions{7, 40, false}}) {
      const PatchSet patches = cut_patches(image, keypoints, options, pool);
      REQUIRE(patches.view().height == options.side);
      REQUIRE(patches.size() == 60);
      CAPTURE(width, height, options.side);
      // Half a level of rounding; noise has steps of 255 from pixel to pixel, so 1e-4 pixel is 0.03 levels.
      CHECK(worst_error(patches, levels, keypoints, options) <= 0.56);
    }
  }
}

TEST_CASE("a lone bright pixel lands in the patch pixel that covers it") {
  ThreadPool pool(1);
  GrayImage image(101, 75);
  std::memset(image.row(0), 0, 101 * 75);
  image.row(40)[50] = 200;                             // its centre is (50.5, 40.5)
  const CutOptions options{.side = 64, .extent = 16};  // with sigma 4 a patch pixel is an image pixel
  const auto cut_at = [&](float x, float y, float angle) {
    return cut_patches(image, std::vector{Keypoint{x, y, 4, angle, 0}}, options, pool);
  };
  const auto only_bright = [&](const PatchSet& patches, int column, int row) {
    for (int y = 0; y < 64; ++y) {
      for (int x = 0; x < 64; ++x) {
        if (pixel(patches, 0, x, y) != (x == column && y == row ? 200 : 0)) return false;
      }
    }
    return true;
  };
  const float quarter = std::numbers::pi_v<float> / 2;
  // The patch's centre is the corner between pixels 31 and 32: a keypoint on an image corner hits pixels squarely.
  CHECK(only_bright(cut_at(50, 40, 0), 32, 32));
  CHECK(only_bright(cut_at(51, 41, 0), 31, 31));
  CHECK(only_bright(cut_at(45, 30, 0), 37, 42));
  // Angle 90°: the patch's x axis points down the image, its y axis to the left.
  CHECK(only_bright(cut_at(50, 40, quarter), 32, 31));
  CHECK(only_bright(cut_at(45, 30, quarter), 42, 26));
  CHECK(only_bright(cut_at(45, 30, 2 * quarter), 26, 21));
  // On the pixel's own centre it is spread over four.
  const PatchSet spread = cut_at(50.5F, 40.5F, 0);
  for (const auto& [x, y] : {std::pair{31, 31}, {32, 31}, {31, 32}, {32, 32}}) CHECK(pixel(spread, 0, x, y) == 50);
}

TEST_CASE("turning image and keypoint by 90 degrees leaves the patch as it is") {
  ThreadPool pool(1);
  // Sides 2^n·m + 1 keep the sampling of the coarser levels in step when turned.
  const GrayImage image = noise(257, 129, 3);
  GrayImage turned(129, 257);  // clockwise: (x, y) → (height − y, x)
  for (int y = 0; y < 129; ++y) {
    for (int x = 0; x < 257; ++x) turned.row(x)[128 - y] = image.row(y)[x];
  }
  const float quarter = std::numbers::pi_v<float> / 2;
  for (const float sigma : {2.0F, 5.0F, 10.0F, 21.0F}) {
    const Keypoint keypoint{100.25F, 64.5F, sigma, 0.3F, 0};
    const Keypoint moved{129 - keypoint.y, keypoint.x, sigma, keypoint.angle + quarter, 0};
    const PatchSet before = cut_patches(image, std::vector{keypoint}, {}, pool);
    const PatchSet after = cut_patches(turned, std::vector{moved}, {}, pool);
    int worst = 0;
    for (int i = 0; i < 64 * 64; ++i) {
      worst = std::max(worst, std::abs(pixel(before, 0, i % 64, i / 64) - pixel(after, 0, i % 64, i / 64)));
    }
    CAPTURE(sigma);
    CHECK(worst <= 1);  // rounding on either side of a half
  }
  // With upright pixels it is exact.
  const PatchSet before = cut_patches(image, std::vector{Keypoint{100, 64, 2, 0, 0}}, {.extent = 32}, pool);
  const PatchSet after = cut_patches(turned, std::vector{Keypoint{65, 100, 2, quarter, 0}}, {.extent = 32}, pool);
  CHECK(std::memcmp(before.view().pixels, after.view().pixels, 64 * 64) == 0);
}

TEST_CASE("a smooth pattern is sampled where it says, at every scale and angle") {
  ThreadPool pool(2);
  const GrayImage image = draw(900, 700, waves);
  Random random(8);
  std::vector<Keypoint> keypoints;
  for (int i = 0; i < 100; ++i) {
    const double sigma = std::exp(random.uniform(0, 3));
    const double room = sigma * 12 * 0.75 + 40;  // the border's repeated pixels are no part of the pattern
    keypoints.push_back({static_cast<float>(random.uniform(room, 900 - room)),
                         static_cast<float>(random.uniform(room, 700 - room)), static_cast<float>(sigma),
                         static_cast<float>(random.uniform(0, 6.28)), 0});
  }
  for (const bool upright : {false, true}) {
    const CutOptions options{.upright = upright};
    const PatchSet patches = cut_patches(image, keypoints, options, pool);
    double worst = 0;
    for (std::int64_t i = 0; i < patches.size(); ++i) {
      for (int row = 0; row < 64; row += 7) {
        for (int column = 0; column < 64; column += 7) {
          const auto [x, y] = place(keypoints[static_cast<std::size_t>(i)], options, column, row);
          worst = std::max(worst, std::abs(pixel(patches, i, column, row) - waves(x, y)));
        }
      }
    }
    // Rounding of image and patch, and what smoothing takes off the waves at a patch of 240 pixels: 0.7 levels.
    CHECK(worst < 1.7);
  }
}

TEST_CASE("fine texture is averaged, not aliased, by a large window") {
  ThreadPool pool(1);
  const GrayImage board = draw(600, 600, [](double x, double y) { return (int(x) + int(y)) % 2 == 0 ? 0.0 : 255.0; });
  for (const float sigma : {12.0F, 25.0F}) {  // a patch pixel is 2.25 and 4.7 image pixels
    const PatchSet patches = cut_patches(board, std::vector{Keypoint{300.3F, 299.8F, sigma, 0.2F, 0}}, {}, pool);
    for (int i = 0; i < 64 * 64; i += 13) REQUIRE(std::abs(pixel(patches, 0, i % 64, i / 64) - 127.5) < 2);
  }
}

TEST_CASE("beyond the image the nearest pixel is repeated") {
  ThreadPool pool(1);
  const GrayImage image = draw(50, 40, [](double x, double) { return x < 25 ? 10.0 : 240.0; });
  const PatchSet patches =
      cut_patches(image, std::vector{Keypoint{0, 0, 4, 0, 0}, Keypoint{50, 40, 4, 0, 0}, Keypoint{50, 40, 1e6F, 0, 0}},
                  {.side = 64, .extent = 16}, pool);
  CHECK(pixel(patches, 0, 0, 0) == 10);
  CHECK(pixel(patches, 0, 0, 63) == 10);
  CHECK(pixel(patches, 0, 63, 0) == 240);  // 31 pixels to the right
  CHECK(pixel(patches, 1, 63, 63) == 240);
  CHECK(pixel(patches, 1, 0, 0) == 10);
}

TEST_CASE("patches do not depend on the number of threads, and position in a large image costs no precision") {
  const GrayImage image = noise(6000, 40, 4);
  ThreadPool one(1);
  ThreadPool three(3);
  std::vector<Keypoint> keypoints;
  for (int i = 0; i < 500; ++i)
    keypoints.push_back({static_cast<float>(12 * i), 20, 1.5F, 0.1F * static_cast<float>(i), 0});
  const PatchSet a = cut_patches(image, keypoints, {}, one);
  const PatchSet b = cut_patches(image, keypoints, {}, three);
  CHECK(std::memcmp(a.view().pixels, b.view().pixels, 500 * 64 * 64) == 0);

  GrayImage part(100, 40);  // columns 5800 to 5899
  for (int y = 0; y < 40; ++y) std::memcpy(part.row(y), image.row(y) + 5800, 100);
  const PatchSet far = cut_patches(image, std::vector{Keypoint{5850.25F, 20, 1.5F, 0.7F, 0}}, {}, one);
  const PatchSet near = cut_patches(part, std::vector{Keypoint{50.25F, 20, 1.5F, 0.7F, 0}}, {}, one);
  CHECK(std::memcmp(far.view().pixels, near.view().pixels, 64 * 64) == 0);
}

TEST_CASE("every instruction set cuts the same patches") {
  const GrayImage image = noise(200, 150, 6);
  ThreadPool pool(1);
  Random random(3);
  std::vector<Keypoint> keypoints(40);
  for (Keypoint& keypoint : keypoints) {
    keypoint = {static_cast<float>(random.uniform(0, 200)), static_cast<float>(random.uniform(0, 150)),
                static_cast<float>(random.uniform(1, 20)), static_cast<float>(random.uniform(0, 6)), 0};
  }
  const CutOptions options{.side = 61};
  const PatchSet best = cut_patches(image, keypoints, options, pool);
  const std::int64_t targets = hwy::SupportedTargets();
  for (std::int64_t target = 1; target > 0 && target <= targets; target <<= 1) {
    if ((targets & target) == 0) continue;
    CAPTURE(target);
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    const PatchSet patches = cut_patches(image, keypoints, options, pool);
    int worst = 0;
    for (std::int64_t i = 0; i < 40; ++i) {
      for (int p = 0; p < 61 * 61; ++p) {
        worst = std::max(worst, std::abs(pixel(best, i, p % 61, p / 61) - pixel(patches, i, p % 61, p / 61)));
      }
    }
    CHECK(worst <= 1);  // fused multiply-adds round differently at a half
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

TEST_CASE("keypoints and options that make no sense are refused by name") {
  ThreadPool pool(1);
  const GrayImage image = noise(50, 40, 1);
  const Keypoint good{10, 10, 2, 0, 0};
  const auto with = [&](float x, float y, float sigma, float angle, bool upright = false) {
    return cut_patches(image, std::vector{good, Keypoint{x, y, sigma, angle, 0}}, {.upright = upright}, pool);
  };
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  CHECK_THROWS_WITH(with(51, 10, 2, 0), Catch::Contains("keypoint 1") && Catch::Contains("50x40"));
  CHECK_THROWS_WITH(with(10, -0.1F, 2, 0), Catch::Contains("outside"));
  CHECK_THROWS_WITH(with(kNan, 10, 2, 0), Catch::Contains("outside"));
  CHECK_THROWS_WITH(with(10, 10, 0, 0), Catch::Contains("sigma"));
  CHECK_THROWS_WITH(with(10, 10, -1, 0), Catch::Contains("sigma"));
  CHECK_THROWS_WITH(with(10, 10, kNan, 0), Catch::Contains("sigma"));
  CHECK_THROWS_WITH(with(10, 10, kInfinity, 0), Catch::Contains("sigma"));
  CHECK_THROWS_WITH(with(10, 10, 2, kNan), Catch::Contains("angle"));
  CHECK_NOTHROW(with(10, 10, 2, kNan, true));
  CHECK_NOTHROW(with(50, 40, 2, 0));  // the image's far corner is part of it
  CHECK_THROWS_AS(cut_patches(image, std::vector{good}, {.side = 0}, pool), InvalidArgument);
  CHECK_THROWS_AS(cut_patches(image, std::vector{good}, {.extent = 0}, pool), InvalidArgument);
  CHECK_THROWS_AS(cut_patches(image, std::vector{good}, {.extent = kNan}, pool), InvalidArgument);
  CHECK(cut_patches(image, {}, {}, pool).size() == 0);
  CHECK(cut_patches(GrayImage(), {}, {}, pool).size() == 0);
  CHECK_THROWS_AS(cut_patches(GrayImage(), std::vector{Keypoint{0, 0, 1, 0, 0}}, {}, pool), InvalidArgument);
}

TEST_CASE("windows of other programs have names") {
  CHECK(patch_extent_preset("colmap") == 12);
  CHECK(patch_extent_preset("opencv") == 13.5F);
  CHECK(patch_extent_preset("kornia") == 12);
  CHECK(patch_extent_preset("hpatches") == 10);
  CHECK(patch_extent_preset("photo-tour") == 13.5F);
  CHECK(patch_extent_presets().size() == 5);
  CHECK_THROWS_WITH(patch_extent_preset("lift"), Catch::Contains("'lift'") && Catch::Contains("colmap"));
}
