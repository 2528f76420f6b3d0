// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <numbers>

#include "kernel_bench.hpp"
#include "kernels/cutting.hpp"
#include "support/random.hpp"
#include "twinpatch/vision/cut_patches.hpp"

// Patches cut on the device against those that the host cuts: the definition.

using namespace twinpatch;
using namespace twinpatch::test;
namespace kernels = twinpatch::cuda::kernels;

namespace {

/// Whether the host's vectors multiply and add with one rounding, as the device does.
bool host_fuses() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("fma") && __builtin_cpu_supports("avx2");
#else
  return false;
#endif
}

GrayImage noise(int width, int height, std::uint64_t seed) {
  Random random(seed);
  GrayImage image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) image.row(y)[x] = static_cast<std::uint8_t>(random.below(256));
  }
  return image;
}

std::vector<std::uint8_t> pixels_of(const GrayImage& image) {
  return {image.row(0), image.row(0) + std::int64_t{image.width()} * image.height()};
}

/// What the device cuts; `pixels` are at an address that is not aligned.
std::vector<std::uint8_t> cut_on_device(Bench& bench, const GrayImage& image, const PatchWindows& cuts, int side) {
  std::vector<std::uint8_t> shifted = {0};
  for (const std::uint8_t pixel : pixels_of(image)) shifted.push_back(pixel);
  const auto pixels = bench.up(shifted);
  const auto windows = bench.up(cuts.windows);
  const auto levels = kernels::PyramidLevels::of(image.width(), image.height(), cuts.levels);
  CHECK(levels.count == cuts.levels);
  auto pyramid = bench.room<std::uint16_t>(levels.pixels());
  kernels::make_pyramid(bench.stream(), pixels.data() + 1, levels, pyramid.data());
  const auto count = std::ssize(cuts.windows);
  auto patches = bench.room<std::uint8_t>(count * side * side);
  kernels::cut_patches(bench.stream(), {pyramid.data(), levels, windows.data(), count, side}, patches.data());
  return bench.down(patches);
}

/// Corners and borders, centres between pixels, from much smaller than a pixel of the image to larger than the image.
std::vector<Keypoint> some_keypoints(const GrayImage& image, std::int64_t count, std::uint64_t seed) {
  Random random(seed);
  const auto width = static_cast<float>(image.width());
  const auto height = static_cast<float>(image.height());
  std::vector<Keypoint> keypoints = {
      {0, 0, 2, 0.3F},       {width, height, 1, 2.0F},   {width, 0, 30, -1.0F},
      {0, height, 0.01F, 0}, {0.5F, 0.5F, 16.0F / 3, 0}, {width / 2, height / 2, width + height, 1.0F}};
  while (std::ssize(keypoints) < count) {
    keypoints.push_back({static_cast<float>(random.uniform(0, width)), static_cast<float>(random.uniform(0, height)),
                         static_cast<float>(std::exp(random.uniform(-1, 3))),
                         static_cast<float>(random.uniform(-4, 4) * std::numbers::pi)});
  }
  keypoints.resize(static_cast<std::size_t>(count));
  return keypoints;
}

/// The same with shapes of all directions, up to ten times as long as wide.
std::vector<Keypoint> with_shapes(std::vector<Keypoint> keypoints, std::uint64_t seed) {
  Random random(seed);
  for (Keypoint& keypoint : keypoints) {
    const auto length = static_cast<float>(keypoint.sigma * std::exp(random.uniform(-1.1, 1.1)));
    const auto width = keypoint.sigma * keypoint.sigma / length;
    const float c = std::cos(keypoint.angle);
    const float s = std::sin(keypoint.angle);
    keypoint = keypoint_with_shape(keypoint.x, keypoint.y, {c * length, -s * width, s * length, c * width});
  }
  return keypoints;
}

}  // namespace

TEST_CASE("patches cut on the device are those that the host cuts, up to and beyond the border of the image") {
  const bool affine = GENERATE(false, true);
  if (no_device()) return;
  Bench bench;
  ThreadPool pool(1);
  for (const auto& [width, height] : {std::pair(1, 1), {3, 50}, {101, 76}, {128, 128}}) {
    const GrayImage image = noise(width, height, 5);
    using Size = std::pair<int, std::int64_t>;
    for (const auto& [side, count] : {Size(1, 12), {7, 12}, {31, 12}, {32, 0}, {32, 12}, {33, 1}, {64, 12}}) {
      auto keypoints = some_keypoints(image, count, static_cast<std::uint64_t>(side));
      if (affine) keypoints = with_shapes(std::move(keypoints), 3);
      const CutOptions options{.side = side, .upright = side == 7, .affine = affine};
      const PatchSet expected = cut_patches(image, keypoints, options, pool);
      const auto got = cut_on_device(bench, image, patch_windows(image, keypoints, options), side);
      REQUIRE(std::ssize(got) == count * side * side);
      const auto* const wanted = static_cast<const std::uint8_t*>(expected.view().pixels);
      std::int64_t differ = 0;
      int worst = 0;
      for (std::size_t i = 0; i < got.size(); ++i) {
        worst = std::max(worst, std::abs(int{got[i]} - int{wanted[i]}));
        differ += got[i] != wanted[i] ? 1 : 0;
      }
      INFO(width << " x " << height << ", side " << side << (affine ? ", affine: " : ": ") << differ << " differ");
      CHECK(worst <= 1);  // the roundings of a host without fused multiply-add
      if (host_fuses()) CHECK(differ == 0);
    }
  }
}
