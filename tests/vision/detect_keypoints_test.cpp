// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <fstream>
#include <functional>
#include <numbers>
#include <random>

#include "twinpatch/core/error.hpp"
#include "twinpatch/vision/keypoint.hpp"

using namespace twinpatch;

namespace {

GrayImage draw(int width, int height, const std::function<double(double x, double y)>& grey) {
  GrayImage image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      image.row(y)[x] = static_cast<std::uint8_t>(std::clamp(std::lround(grey(x + 0.5, y + 0.5)), 0L, 255L));
    }
  }
  return image;
}

double gaussian(double x, double y, double sigma) { return std::exp(-(x * x + y * y) / (2 * sigma * sigma)); }

GrayImage noise_blobs(int width, int height, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> unit(0, 1);
  struct Blob {
    double x, y, sigma, height;
  };
  std::vector<Blob> blobs(60);
  for (Blob& blob : blobs) {
    blob = {unit(random) * width, unit(random) * height, 1.5 + 4 * unit(random), unit(random) * 200 - 100};
  }
  return draw(width, height, [&](double x, double y) {
    double sum = 128;
    for (const Blob& blob : blobs) sum += blob.height * gaussian(x - blob.x, y - blob.y, blob.sigma);
    return sum;
  });
}

}  // namespace

TEST_CASE("a round blob is found at its centre with its size, half-pixel convention and all") {
  // Also guards the correction of OpenCV's quarter-pixel shift: without it every centre is 0.25 off.
  struct Case {
    double x, y, sigma;
  };
  for (const Case& blob : {Case{60.5, 70.5, 3}, Case{64, 64, 5}, Case{90.25, 61.75, 8}, Case{100.5, 90.5, 2}}) {
    CAPTURE(blob.x, blob.y, blob.sigma);
    const GrayImage image =
        draw(220, 200, [&](double x, double y) { return 40 + 180 * gaussian(x - blob.x, y - blob.y, blob.sigma); });
    const auto keypoints = detect_keypoints(image, {.max_keypoints = 1});
    REQUIRE(keypoints.size() == 1);
    CHECK(keypoints[0].x == Approx(blob.x).margin(0.06));
    CHECK(keypoints[0].y == Approx(blob.y).margin(0.06));
    // A difference of Gaussians σ and kσ, k = 2^(1/3), answers most to a blob of σ·√k.
    CHECK(keypoints[0].sigma == Approx(blob.sigma / std::pow(2.0, 1.0 / 6)).epsilon(0.1));
  }
}

TEST_CASE("the angle runs from x towards y, in radians") {
  for (int degrees = 0; degrees < 360; degrees += 45) {
    CAPTURE(degrees);
    const double angle = degrees * std::numbers::pi / 180;
    // A blob with a brighter side in the direction `angle`: that is where grey levels rise.
    const GrayImage image = draw(161, 161, [&](double x, double y) {
      const double dx = x - 80.5;
      const double dy = y - 80.5;
      const double along = dx * std::cos(angle) + dy * std::sin(angle);
      return 128 - 100 * gaussian(dx, dy, 6) + 6 * along * gaussian(dx, dy, 16);
    });
    const auto keypoints = detect_keypoints(image, {.max_keypoints = 0});
    const auto nearest = std::ranges::min_element(keypoints, {}, [](const Keypoint& keypoint) {
      return std::hypot(keypoint.x - 80.5, keypoint.y - 80.5) - 0.001 * keypoint.response;
    });
    REQUIRE(nearest != keypoints.end());
    CHECK(std::cos(nearest->angle - angle) > std::cos(0.2));
  }
}

TEST_CASE("the strongest come first, never more than asked for, the same every time") {
  const GrayImage image = noise_blobs(301, 257, 3);
  const auto all = detect_keypoints(image, {.max_keypoints = 0});
  REQUIRE(all.size() > 60);
  CHECK(std::ranges::is_sorted(all, std::greater<>(), &Keypoint::response));
  for (const Keypoint& keypoint : all) {
    REQUIRE((keypoint.x > 0 && keypoint.x < 301 && keypoint.y > 0 && keypoint.y < 257));
    REQUIRE(keypoint.sigma > 0);
    REQUIRE((keypoint.angle >= 0 && keypoint.angle < 6.2832F));
  }
  for (const int most : {1, 17, 50}) {
    const auto some = detect_keypoints(image, {.max_keypoints = most});
    REQUIRE(some.size() == static_cast<std::size_t>(most));
    CHECK(std::equal(some.begin(), some.end(), all.begin()));
  }
  for (int run = 0; run < 3; ++run) CHECK(detect_keypoints(image, {.max_keypoints = 0}) == all);
}

TEST_CASE("blank, tiny and thin images have no keypoints") {
  GrayImage blank(200, 100);
  std::memset(blank.row(0), 128, 20000);
  CHECK(detect_keypoints(blank, {}).empty());
  CHECK(detect_keypoints(GrayImage(), {}).empty());
  for (const auto& [width, height] : {std::pair{1, 1}, {1, 300}, {300, 1}, {7, 7}, {8, 8}, {9, 200}, {13, 11}}) {
    GrayImage image(width, height);
    for (int i = 0; i < width * height; ++i) image.row(0)[i] = static_cast<std::uint8_t>(i * 97);
    CHECK_NOTHROW(detect_keypoints(image, {}));
  }
  CHECK_THROWS_AS(detect_keypoints(blank, {.max_keypoints = -1}), InvalidArgument);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they need the address space for themselves
TEST_CASE("too little memory for a detection is one line with the image's name") {
  CHECK(detection_bytes(4000, 3000) > 2'500'000'000);
  const GrayImage image = noise_blobs(1500, 1500, 3);
  std::ifstream status("/proc/self/status");
  std::int64_t taken = 0;
  for (std::string word; status >> word && taken == 0;) {
    if (word == "VmSize:") status >> taken;
  }
  REQUIRE(taken > 0);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_AS, &before) == 0);
  const rlimit tight{static_cast<rlim_t>(taken * 1024 + detection_bytes(1500, 1500) / 4), before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_AS, &tight) == 0);
  std::string message;
  try {
    (void)detect_keypoints(image, {.max_keypoints = 10, .image = "large.jpg"});
  } catch (const OutOfMemory& error) {
    message = error.what();
  }
  REQUIRE(::setrlimit(RLIMIT_AS, &before) == 0);
  CHECK_THAT(message, Catch::StartsWith("large.jpg: out of memory"));
  CHECK(message.find('\n') == std::string::npos);
}
#endif
