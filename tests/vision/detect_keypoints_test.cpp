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

#include "detection_tiles.hpp"
#include "support/tolerances.hpp"
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

/// Smoothly joined random values on lattices from 3 to 96 pixels apart: structure of every size, as photographs have.
GrayImage texture(int width, int height, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> unit(-1, 1);
  std::vector<float> sum(static_cast<std::size_t>(width) * static_cast<std::size_t>(height), 128.0F);
  for (const int cell : {3, 6, 12, 24, 48, 96}) {
    const int across = width / cell + 2;
    std::vector<float> lattice(static_cast<std::size_t>(across) * static_cast<std::size_t>(height / cell + 2));
    for (float& value : lattice) value = 25 * unit(random);
    for (int y = 0; y < height; ++y) {
      const float down = static_cast<float>(y % cell) / static_cast<float>(cell);
      const float* upper = lattice.data() + static_cast<std::ptrdiff_t>(y / cell) * across;
      for (int x = 0; x < width; ++x) {
        const float right = static_cast<float>(x % cell) / static_cast<float>(cell);
        const float* at = upper + x / cell;
        const float above = at[0] + right * (at[1] - at[0]);
        const float below = at[across] + right * (at[across + 1] - at[across]);
        sum[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)] +=
            above + down * (below - above);
      }
    }
  }
  GrayImage image(width, height);
  for (std::size_t i = 0; i < sum.size(); ++i) {
    image.row(0)[i] = static_cast<std::uint8_t>(std::clamp(std::lround(sum[i]), 0L, 255L));
  }
  return image;
}

GrayImage crop(const GrayImage& image, int left, int top, int width, int height) {
  GrayImage part(width, height);
  for (int y = 0; y < height; ++y) std::copy_n(image.row(top + y) + left, width, part.row(y));
  return part;
}

/// Keypoints of `wanted` inside [margin, side − margin) of a crop at (left, top), and how many of them `found` has: the
/// same to a tenth of σ, a tenth in size and 0.1 rad.
struct Agreement {
  std::int64_t wanted = 0;
  std::int64_t found = 0;
};
Agreement agreement(const std::vector<Keypoint>& wanted, const std::vector<Keypoint>& found,
                    const std::function<bool(const Keypoint&)>& counts) {
  Agreement result;
  for (const Keypoint& keypoint : wanted) {
    if (!counts(keypoint)) continue;
    ++result.wanted;
    const float near = 0.1F * keypoint.sigma;
    result.found += std::ranges::any_of(found, [&](const Keypoint& other) {
      return std::abs(other.x - keypoint.x) < near && std::abs(other.y - keypoint.y) < near &&
             std::abs(other.sigma / keypoint.sigma - 1) < 0.1F &&
             std::cos(other.angle - keypoint.angle) > std::cos(0.1F);
    });
  }
  return result;
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

TEST_CASE("tiles own every pixel once, see a halo around it, and begin where octaves do") {
  using vision::detection_tiles;
  for (const auto& [width, height] : {std::pair{1, 1},
                                      {1440, 1440},
                                      {1441, 1440},
                                      {1600, 1200},
                                      {2433, 1217},
                                      {9001, 4999},
                                      {200000, 11},
                                      {11, 200000}}) {
    CAPTURE(width, height);
    const auto tiles = detection_tiles(width, height);
    std::int64_t owned = 0;
    for (const auto& tile : tiles) {
      owned += std::int64_t{tile.owned_x.size()} * tile.owned_y.size();
      REQUIRE((tile.owned_x.size() > 0 && tile.owned_y.size() > 0));
      REQUIRE(std::int64_t{tile.seen_x.size()} * tile.seen_y.size() <= vision::kTilePixels);
      for (const auto& [owns, sees, side] :
           {std::tuple{tile.owned_x, tile.seen_x, width}, {tile.owned_y, tile.seen_y, height}}) {
        REQUIRE(sees.begin % vision::kTileAlignment == 0);
        if (tiles.size() == 1) continue;
        REQUIRE(sees.begin == std::max(0, owns.begin - vision::kHalo));
        REQUIRE(sees.end == std::min(side, owns.end + vision::kHalo));
      }
    }
    CHECK(owned == std::int64_t{width} * height);
    CHECK((tiles.size() == 1) == (std::int64_t{width} * height <= vision::kTilePixels));
  }
}

TEST_CASE("a large image has the keypoints that each part of it has by itself") {
  const GrayImage image = texture(2000, 1502, 5);
  ThreadPool pool(3);
  const auto all = detect_keypoints(image, {.max_keypoints = 0}, pool);
  REQUIRE(vision::detection_tiles(2000, 1502).size() == 4);

  // A part across the tiles' common corner, small enough to be taken at once, without what its own border disturbs.
  constexpr int kLeft = 336, kTop = 112, kSide = 1376;
  REQUIRE(vision::detection_tiles(kSide, kSide).size() == 1);
  auto part = detect_keypoints(crop(image, kLeft, kTop, kSide, kSide), {.max_keypoints = 0}, pool);
  for (Keypoint& keypoint : part) {
    keypoint.x += kLeft;
    keypoint.y += kTop;
  }
  const auto inside = [](float margin) {
    return [margin](const Keypoint& k) {
      const float border = margin * k.sigma;
      return k.x > kLeft + border && k.x < kLeft + kSide - border && k.y > kTop + border && k.y < kTop + kSide - border;
    };
  };
  const Agreement kept = agreement(part, all, inside(20));
  const Agreement known = agreement(all, part, inside(20));
  CAPTURE(kept.wanted, kept.found, known.wanted, known.found);
  REQUIRE(kept.wanted > 5000);
  CHECK(static_cast<double>(kept.found) >= test::tolerance::kTiledKeypoints * static_cast<double>(kept.wanted));
  CHECK(static_cast<double>(known.found) >= test::tolerance::kTiledKeypoints * static_cast<double>(known.wanted));
  const auto large = [&](const Keypoint& k) { return k.sigma > vision::kTileSigma && inside(20)(k); };
  const Agreement large_kept = agreement(part, all, large);
  CAPTURE(large_kept.wanted, large_kept.found);
  REQUIRE(large_kept.wanted > 20);
  CHECK(static_cast<double>(large_kept.found) >=
        test::tolerance::kReducedKeypoints * static_cast<double>(large_kept.wanted));

  ThreadPool alone(1);
  CHECK(detect_keypoints(image, {.max_keypoints = 0, .memory = 1}, alone) == all);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they need the address space for themselves
TEST_CASE("too little memory for a detection is one line with the image's name") {
  const GrayImage image = noise_blobs(1400, 1400, 3);
  std::ifstream status("/proc/self/status");
  std::int64_t taken = 0;
  for (std::string word; status >> word && taken == 0;) {
    if (word == "VmSize:") status >> taken;
  }
  REQUIRE(taken > 0);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_AS, &before) == 0);
  const rlimit tight{static_cast<rlim_t>(taken * 1024 + detection_bytes(1400, 1400, 1) / 4), before.rlim_max};
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
