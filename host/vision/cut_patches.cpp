// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/vision/cut_patches.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "patch_frame.hpp"
#include "pyramid.hpp"
#include "sample_patch.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch {
namespace {

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
    if (!options.affine) continue;
    if (const std::string fault = shape_fault(keypoint); !fault.empty()) refuse(fault.c_str());
  }
}

/// Image pixels from one patch pixel to the next, where they lie farthest apart.
float step_of(const Keypoint& keypoint, const CutOptions& options) {
  const float size = options.affine ? static_cast<float>(axes_of(*keypoint.shape).longer) : keypoint.sigma;
  return size * options.extent / static_cast<float>(options.side);
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

struct LevelSize {
  int width = 0;
  int height = 0;
};

/// In a level of that size, of an image that has been halved `l` times.
LevelWindow window_in(LevelSize level, int l, const Keypoint& keypoint, const CutOptions& options) {
  const double scale = std::ldexp(1.0, -l);
  const vision::PatchFrame frame = vision::patch_frame(keypoint, options);
  // The centre of the image's first pixel is (0.5, 0.5) for a keypoint and 0 here, on every level.
  const double centre_x = (double{keypoint.x} - 0.5) * scale;
  const double centre_y = (double{keypoint.y} - 0.5) * scale;
  const double half = (options.side - 1) / 2.0;  // from the first patch pixel's centre to the patch's centre

  LevelWindow window;
  window.origin_x = std::clamp(static_cast<int>(centre_x), 0, level.width - 1);
  window.origin_y = std::clamp(static_cast<int>(centre_y), 0, level.height - 1);
  window.x_column = static_cast<float>(scale * frame.x_column);
  window.y_column = static_cast<float>(scale * frame.y_column);
  window.x_row = static_cast<float>(scale * frame.x_row);
  window.y_row = static_cast<float>(scale * frame.y_row);
  window.x0 = static_cast<float>(centre_x - window.origin_x - half * scale * (frame.x_column + frame.x_row));
  window.y0 = static_cast<float>(centre_y - window.origin_y - half * scale * (frame.y_column + frame.y_row));
  return window;
}

/// Sizes of the levels that keypoints need, the image's own first; the last may be of one pixel.
std::vector<LevelSize> level_sizes(LevelSize image, int levels) {
  std::vector<LevelSize> sizes = {image};
  while (static_cast<int>(sizes.size()) < levels && (sizes.back().width > 1 || sizes.back().height > 1)) {
    sizes.push_back({(sizes.back().width + 1) / 2, (sizes.back().height + 1) / 2});
  }
  return sizes;
}

PatchWindow window_of(const std::vector<LevelSize>& levels, const Keypoint& keypoint, const CutOptions& options) {
  const auto last = static_cast<int>(levels.size()) - 1;
  const float level = std::min(level_of(keypoint, options), static_cast<float>(last));
  PatchWindow window;
  window.level = static_cast<int>(level);
  window.blend = level - static_cast<float>(window.level);
  const int coarse = std::min(window.level + 1, last);
  window.fine = window_in(levels[static_cast<std::size_t>(window.level)], window.level, keypoint, options);
  window.coarse = window_in(levels[static_cast<std::size_t>(coarse)], coarse, keypoint, options);
  return window;
}

vision::SampledWindow sampled(const Pyramid& pyramid, int l, const LevelWindow& window) {
  const vision::PyramidLevel& level = pyramid.level(l);
  return {.origin = level.pixels.data() + window.origin_y * level.stride + window.origin_x,
          .stride_bytes = static_cast<std::int32_t>(level.stride * 2),
          .window = window,
          .x_low = static_cast<float>(-window.origin_x),
          .x_high = static_cast<float>(level.width - 1 - window.origin_x),
          .y_low = static_cast<float>(-window.origin_y),
          .y_high = static_cast<float>(level.height - 1 - window.origin_y)};
}

}  // namespace

PatchWindows patch_windows(const GrayImage& image, std::span<const Keypoint> keypoints, const CutOptions& options) {
  check(options);
  check(image, keypoints, options);
  PatchWindows result;
  if (keypoints.empty()) return result;
  if (image.width() == 0 || image.height() == 0) throw InvalidArgument("cannot cut patches from an empty image");
  const auto levels = level_sizes({image.width(), image.height()}, levels_needed(keypoints, options));
  result.levels = static_cast<int>(levels.size());
  result.windows.reserve(keypoints.size());
  for (const Keypoint& keypoint : keypoints) result.windows.push_back(window_of(levels, keypoint, options));
  return result;
}

PatchSet cut_patches(const GrayImage& image, std::span<const Keypoint> keypoints, const CutOptions& options,
                     ThreadPool& pool) {
  const PatchWindows cuts = patch_windows(image, keypoints, options);
  PatchSet patches(static_cast<std::int64_t>(keypoints.size()), options.side, options.side);
  if (keypoints.empty()) return patches;
  const Pyramid pyramid(image, cuts.levels);
  pool.for_ranges(patches.size(), kGrain, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t i = begin; i < end; ++i) {
      const PatchWindow& window = cuts.windows[static_cast<std::size_t>(i)];
      const int coarse = std::min(window.level + 1, pyramid.levels() - 1);
      vision::sample_patch(sampled(pyramid, window.level, window.fine), sampled(pyramid, coarse, window.coarse),
                           window.blend, options.side, patches.mutable_patch(i));
    }
  });
  return patches;
}

}  // namespace twinpatch
