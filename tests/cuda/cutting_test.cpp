// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "kernel_bench.hpp"
#include "kernels/cutting.hpp"
#include "support/random.hpp"

// Pyramids and patches on the device against a plain twin; host_cut_test.cpp has what the host cuts.

using namespace twinpatch;
using namespace twinpatch::test;
namespace kernels = twinpatch::cuda::kernels;

namespace {

struct Image {
  int width, height;
  std::vector<std::uint8_t> pixels;
};

Image noise(int width, int height, std::uint64_t seed) {
  Random random(seed);
  Image image{width, height, {}};
  for (int i = 0; i < width * height; ++i) image.pixels.push_back(static_cast<std::uint8_t>(random.below(256)));
  return image;
}

/// Written to be read: the binomial filter over 5 × 5, border pixels repeated.
std::vector<std::uint16_t> halved(const std::vector<std::uint16_t>& fine, int width, int height) {
  constexpr int kWeights[] = {1, 4, 6, 4, 1};
  std::vector<std::uint16_t> coarse;
  for (int y = 0; y < height; y += 2) {
    for (int x = 0; x < width; x += 2) {
      double sum = 0;
      for (int dy = -2; dy <= 2; ++dy) {
        for (int dx = -2; dx <= 2; ++dx) {
          const int row = std::clamp(y + dy, 0, height - 1);
          const int column = std::clamp(x + dx, 0, width - 1);
          sum += kWeights[dy + 2] * kWeights[dx + 2] * fine[static_cast<std::size_t>(row * width + column)];
        }
      }
      coarse.push_back(static_cast<std::uint16_t>(std::floor(sum / 256 + 0.5)));
    }
  }
  return coarse;
}

struct Level {
  int width, height;
  std::vector<std::uint16_t> pixels;

  /// Beyond the border the nearest pixel.
  [[nodiscard]] float at(int x, int y) const {
    return pixels[static_cast<std::size_t>(std::clamp(y, 0, height - 1) * width + std::clamp(x, 0, width - 1))];
  }
  /// Bilinear at the place of patch pixel (column, row), with the roundings that the device is to have.
  [[nodiscard]] float sample(const LevelWindow& window, int column, int row) const {
    const auto c = static_cast<float>(column);
    const auto r = static_cast<float>(row);
    const float x = std::clamp(std::fma(c, window.x_column, std::fma(r, window.x_row, window.x0)),
                               static_cast<float>(-window.origin_x), static_cast<float>(width - 1 - window.origin_x));
    const float y = std::clamp(std::fma(c, window.y_column, std::fma(r, window.y_row, window.y0)),
                               static_cast<float>(-window.origin_y), static_cast<float>(height - 1 - window.origin_y));
    const int left = window.origin_x + static_cast<int>(std::floor(x));
    const int upper = window.origin_y + static_cast<int>(std::floor(y));
    const auto mixed = [&](int of_row) {
      return std::fma(x - std::floor(x), at(left + 1, of_row) - at(left, of_row), at(left, of_row));
    };
    return std::fma(y - std::floor(y), mixed(upper + 1) - mixed(upper), mixed(upper));
  }
};

std::vector<Level> levels_of(const Image& image, int count) {
  std::vector<Level> levels = {{image.width, image.height, {}}};
  for (const std::uint8_t pixel : image.pixels) levels[0].pixels.push_back(static_cast<std::uint16_t>(256 * pixel));
  while (std::ssize(levels) < count) {
    const Level& fine = levels.back();
    levels.push_back({(fine.width + 1) / 2, (fine.height + 1) / 2, halved(fine.pixels, fine.width, fine.height)});
  }
  return levels;
}

std::vector<std::uint8_t> reference_cut(const std::vector<Level>& levels, const PatchWindow& window, int side) {
  std::vector<std::uint8_t> patch;
  for (int row = 0; row < side; ++row) {
    for (int column = 0; column < side; ++column) {
      const auto level = static_cast<std::size_t>(window.level);
      float value = levels[level].sample(window.fine, column, row);
      if (window.blend > 0) {
        const float coarse = levels[std::min(level + 1, levels.size() - 1)].sample(window.coarse, column, row);
        value = std::fma(window.blend, coarse - value, value);
      }
      patch.push_back(static_cast<std::uint8_t>(std::rint(value / 256)));
    }
  }
  return patch;
}

/// Anywhere in a level and beyond its border, of any affine shape.
LevelWindow some_window(Random& random, const Level& level) {
  const auto within = [&](int size) {
    return static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(size)));
  };
  const auto number = [&](double most) { return static_cast<float>(random.uniform(-most, most)); };
  return {number(30), number(30), number(2),           number(2),
          number(2),  number(2),  within(level.width), within(level.height)};
}

}  // namespace

TEST_CASE("the levels of a pyramid are those of the definition, whatever the size of the image") {
  if (no_device()) return;
  Bench bench;
  for (const auto& [width, height] : {std::pair(1, 1), {1, 7}, {6, 1}, {2, 2}, {5, 3}, {64, 33}, {97, 130}}) {
    INFO(width << " x " << height);
    const Image image = noise(width, height, 3);
    const auto levels = kernels::PyramidLevels::of(width, height, 20);
    auto pyramid = bench.room<std::uint16_t>(levels.pixels());
    const auto pixels = bench.up(image.pixels);
    kernels::make_pyramid(bench.stream(), pixels.data(), levels, pyramid.data());
    const std::vector<std::uint16_t> got = bench.down(pyramid);
    std::vector<std::uint16_t> expected;
    for (const std::uint8_t pixel : image.pixels) expected.push_back(static_cast<std::uint16_t>(256 * pixel));
    for (int l = 0; l < levels.count; ++l) {
      const auto& level = levels.level[static_cast<std::size_t>(l)];
      REQUIRE(std::ssize(expected) == std::int64_t{level.width} * level.height);
      CHECK(std::equal(expected.begin(), expected.end(), got.begin() + level.first));
      expected = halved(expected, level.width, level.height);
    }
    CHECK(levels.level[static_cast<std::size_t>(levels.count - 1)].width == 1);
  }
}

TEST_CASE("cut patches are those of the definition, whatever their size, number, level and place") {
  if (no_device()) return;
  Bench bench;
  Random random(9);
  for (const auto& [width, height] : {std::pair(1, 1), {3, 50}, {101, 76}}) {
    const Image image = noise(width, height, 5);
    const auto layout = kernels::PyramidLevels::of(width, height, 4);
    const std::vector<Level> levels = levels_of(image, layout.count);
    std::vector<std::uint8_t> shifted = {0};  // pixels at an address that is not aligned
    shifted.insert(shifted.end(), image.pixels.begin(), image.pixels.end());
    const auto pixels = bench.up(shifted);
    auto pyramid = bench.room<std::uint16_t>(layout.pixels());
    kernels::make_pyramid(bench.stream(), pixels.data() + 1, layout, pyramid.data());
    // A row is a warp's, 32 pixels at a time; eight warps share the rows.
    using Size = std::pair<int, std::int64_t>;
    for (const auto& [side, count] :
         {Size(1, 9), {7, 9}, {8, 3}, {9, 3}, {31, 9}, {32, 0}, {32, 9}, {33, 1}, {64, 3}}) {
      std::vector<PatchWindow> windows;
      std::vector<std::uint8_t> expected;
      for (std::int64_t i = 0; i < count; ++i) {
        PatchWindow window;
        window.level = static_cast<std::int32_t>(random.below(levels.size()));
        const auto level = static_cast<std::size_t>(window.level);
        window.fine = some_window(random, levels[level]);
        window.coarse = some_window(random, levels[std::min(level + 1, levels.size() - 1)]);
        window.blend = i % 3 == 0 ? 0 : static_cast<float>(random.uniform(0, 1));
        windows.push_back(window);
        const auto patch = reference_cut(levels, window, side);
        expected.insert(expected.end(), patch.begin(), patch.end());
      }
      const auto at = bench.up(windows);
      auto patches = bench.room<std::uint8_t>(count * side * side);
      kernels::cut_patches(bench.stream(), {pyramid.data(), layout, at.data(), count, side}, patches.data());
      INFO(width << " x " << height << ", side " << side);
      const bool same = bench.down(patches) == expected;
      CHECK(same);
    }
  }
}

TEST_CASE("pixels of a pyramid are counted in 64 bits") {
  const auto levels = kernels::PyramidLevels::of(60000, 50001, 3);
  CHECK(levels.level[1].first == std::int64_t{60000} * 50001);
  CHECK(levels.level[2].first == std::int64_t{60000} * 50001 + std::int64_t{30000} * 25001);
  CHECK(levels.pixels() == std::int64_t{60000} * 50001 + std::int64_t{30000} * 25001 + std::int64_t{15000} * 12501);
}
