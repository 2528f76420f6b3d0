// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/vision/cut_patches.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "pyramid.hpp"
#include "sample_patch.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch {
namespace {

using vision::LevelWindow;
using vision::Pyramid;

constexpr int kLargestSide = 4096;
constexpr std::int64_t kGrain = 16;  // patches a thread takes at once

void check(const CutOptions& options) {
  if (options.side < 1 || options.side > kLargestSide) {
    throw InvalidArgument(fmt::format("patch side {}, expected 1 to {}", options.side, kLargestSide));
  }
  if (!std::isfinite(options.extent) || options.extent <= 0) {
    throw InvalidArgument(fmt::format("patch extent {}, expected a positive number", options.extent));
  }
}

void check(const GrayImage& image, std::span<const Keypoint> keypoints, const CutOptions& options) {
  const auto width = static_cast<float>(image.width());
  const auto height = static_cast<float>(image.height());
  for (std::size_t i = 0; i < keypoints.size(); ++i) {
    const Keypoint& keypoint = keypoints[i];
    const auto refuse = [&](const char* what) {
      throw InvalidArgument(fmt::format("keypoint {} (x {}, y {}, sigma {}, angle {}) {}", i, keypoint.x, keypoint.y,
                                        keypoint.sigma, keypoint.angle, what));
    };
    // Written so that a NaN fails too.
    if (!(keypoint.x >= 0 && keypoint.x <= width && keypoint.y >= 0 && keypoint.y <= height)) {
      refuse(fmt::format("lies outside the image of {}x{} pixels", image.width(), image.height()).c_str());
    }
    if (!(keypoint.sigma > 0) || !std::isfinite(keypoint.sigma * options.extent)) refuse("needs a positive sigma");
    if (!options.upright && !std::isfinite(keypoint.angle)) refuse("has no angle");
  }
}

/// Image pixels from one patch pixel to the next.
float step_of(const Keypoint& keypoint, const CutOptions& options) {
  return keypoint.sigma * options.extent / static_cast<float>(options.side);
}

/// Level of the pyramid, as a real number, at which a patch pixel is one pixel wide.
float level_of(const Keypoint& keypoint, const CutOptions& options) {
  return std::max(0.0F, std::log2(step_of(keypoint, options)));
}

int levels_needed(std::span<const Keypoint> keypoints, const CutOptions& options) {
  float highest = 0;
  for (const Keypoint& keypoint : keypoints) highest = std::max(highest, level_of(keypoint, options));
  return static_cast<int>(std::min(std::ceil(highest), 31.0F)) + 1;
}

LevelWindow window_in(const Pyramid& pyramid, int l, const Keypoint& keypoint, const CutOptions& options) {
  const vision::PyramidLevel& level = pyramid.level(l);
  const double scale = std::ldexp(1.0, -l);
  const double angle = options.upright ? 0.0 : double{keypoint.angle};
  const double step = scale * keypoint.sigma * options.extent / options.side;
  const double column_x = step * std::cos(angle);
  const double column_y = step * std::sin(angle);
  // The centre of the image's first pixel is (0.5, 0.5) for a keypoint and 0 here, on every level.
  const double centre_x = (double{keypoint.x} - 0.5) * scale;
  const double centre_y = (double{keypoint.y} - 0.5) * scale;
  const int origin_x = std::clamp(static_cast<int>(centre_x), 0, level.width - 1);
  const int origin_y = std::clamp(static_cast<int>(centre_y), 0, level.height - 1);
  const double half = (options.side - 1) / 2.0;  // from the first patch pixel's centre to the patch's centre

  LevelWindow window;
  window.origin = level.pixels.data() + origin_y * level.stride + origin_x;
  window.stride_bytes = static_cast<std::int32_t>(level.stride * 2);
  window.xc = static_cast<float>(column_x);
  window.yc = static_cast<float>(column_y);
  window.xr = static_cast<float>(-column_y);  // rows run along the direction a quarter turn further on
  window.yr = static_cast<float>(column_x);
  window.x0 = static_cast<float>(centre_x - origin_x - half * (column_x - column_y));
  window.y0 = static_cast<float>(centre_y - origin_y - half * (column_y + column_x));
  window.x_low = static_cast<float>(-origin_x);
  window.x_high = static_cast<float>(level.width - 1 - origin_x);
  window.y_low = static_cast<float>(-origin_y);
  window.y_high = static_cast<float>(level.height - 1 - origin_y);
  return window;
}

void cut(const Pyramid& pyramid, const Keypoint& keypoint, const CutOptions& options, std::uint8_t* patch) {
  const float level = std::min(level_of(keypoint, options), static_cast<float>(pyramid.levels() - 1));
  const int fine = static_cast<int>(level);
  const int coarse = std::min(fine + 1, pyramid.levels() - 1);
  const float blend = level - static_cast<float>(fine);
  vision::sample_patch(window_in(pyramid, fine, keypoint, options), window_in(pyramid, coarse, keypoint, options),
                       blend, options.side, patch);
}

}  // namespace

PatchSet cut_patches(const GrayImage& image, std::span<const Keypoint> keypoints, const CutOptions& options,
                     ThreadPool& pool) {
  check(options);
  check(image, keypoints, options);
  PatchSet patches(static_cast<std::int64_t>(keypoints.size()), options.side, options.side);
  if (keypoints.empty()) return patches;
  if (image.width() == 0 || image.height() == 0) throw InvalidArgument("cannot cut patches from an empty image");
  const Pyramid pyramid(image, levels_needed(keypoints, options));
  pool.for_ranges(patches.size(), kGrain, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t i = begin; i < end; ++i) {
      cut(pyramid, keypoints[static_cast<std::size_t>(i)], options, patches.mutable_patch(i));
    }
  });
  return patches;
}

}  // namespace twinpatch
