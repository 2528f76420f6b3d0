// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <utility>
#include <vector>

#include "support/random.hpp"
#include "twinpatch/vision/cut_patches.hpp"

// What cut_patches() does, in double precision and written to be read, and images to cut from.

namespace twinpatch::test {

inline GrayImage draw(int width, int height, const std::function<double(double x, double y)>& grey) {
  GrayImage image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      image.row(y)[x] = static_cast<std::uint8_t>(std::clamp(std::lround(grey(x + 0.5, y + 0.5)), 0L, 255L));
    }
  }
  return image;
}

inline GrayImage noise(int width, int height, std::uint64_t seed) {
  Random random(seed);
  return draw(width, height, [&](double, double) { return random.uniform(0, 255); });
}

inline int pixel(const PatchSet& patches, std::int64_t i, int column, int row) {
  const PatchView view = patches.view();
  return static_cast<const std::uint8_t*>(view.pixels)[i * view.patch_bytes() + row * view.width + column];
}

/// Row-major, from pixels of the patch to pixels of the image, by definition.
inline std::array<double, 4> window_map(const Keypoint& keypoint, const CutOptions& options) {
  const double step = double{options.extent} / options.side;
  if (!options.affine) {
    const double angle = options.upright ? 0 : double{keypoint.angle};
    const double c = step * keypoint.sigma * std::cos(angle);
    const double s = step * keypoint.sigma * std::sin(angle);
    return {c, -s, s, c};
  }
  const AffineShape a = keypoint.shape.value();
  // Turned in its own frame until what is vertical there is so in the image.
  const double turn = options.upright ? std::atan2(double{a.a12}, double{a.a11}) : 0;
  const double c = step * std::cos(turn);
  const double s = step * std::sin(turn);
  return {a.a11 * c + a.a12 * s, a.a12 * c - a.a11 * s, a.a21 * c + a.a22 * s, a.a22 * c - a.a21 * s};
}

/// Image pixels from one pixel of the patch to the next in the direction in which they lie farthest apart: the root of
/// the larger eigenvalue of map·mapᵀ.
inline double longest_step(const Keypoint& keypoint, const CutOptions& options) {
  const auto [a, b, c, d] = window_map(keypoint, options);
  const double p = a * a + b * b;
  const double q = c * c + d * d;
  const double r = a * c + b * d;
  return std::sqrt((p + q) / 2 + std::sqrt((p - q) * (p - q) / 4 + r * r));
}

/// Image coordinates of the centre of a patch pixel, by definition.
inline std::pair<double, double> place(const Keypoint& keypoint, const CutOptions& options, double column, double row) {
  const auto [a11, a12, a21, a22] = window_map(keypoint, options);
  const double u = column + 0.5 - options.side / 2.0;
  const double v = row + 0.5 - options.side / 2.0;
  return {keypoint.x + u * a11 + v * a12, keypoint.y + u * a21 + v * a22};
}

// --- Plain reference in double precision: a pyramid of doubles, sampled as the header says. ---

struct Plane {
  int width, height;
  std::vector<double> values;
  [[nodiscard]] double at(int x, int y) const {
    x = std::clamp(x, 0, width - 1);
    y = std::clamp(y, 0, height - 1);
    return values[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)];
  }
  [[nodiscard]] double bilinear(double x, double y) const {
    x = std::clamp(x, 0.0, width - 1.0);
    y = std::clamp(y, 0.0, height - 1.0);
    const int left = static_cast<int>(x);
    const int top = static_cast<int>(y);
    const double u = x - left;
    const double v = y - top;
    return (1 - v) * ((1 - u) * at(left, top) + u * at(left + 1, top)) +
           v * ((1 - u) * at(left, top + 1) + u * at(left + 1, top + 1));
  }
};

inline Plane halve(const Plane& fine) {
  constexpr double weights[5] = {1 / 16.0, 4 / 16.0, 6 / 16.0, 4 / 16.0, 1 / 16.0};
  Plane coarse{(fine.width + 1) / 2, (fine.height + 1) / 2, {}};
  for (int y = 0; y < coarse.height; ++y) {
    for (int x = 0; x < coarse.width; ++x) {
      double sum = 0;
      for (int j = -2; j <= 2; ++j) {
        for (int i = -2; i <= 2; ++i) sum += weights[i + 2] * weights[j + 2] * fine.at(2 * x + i, 2 * y + j);
      }
      coarse.values.push_back(sum);
    }
  }
  return coarse;
}

inline std::vector<Plane> reference_pyramid(const GrayImage& image) {
  std::vector<Plane> levels = {{image.width(), image.height(), {}}};
  for (int y = 0; y < image.height(); ++y) {
    levels[0].values.insert(levels[0].values.end(), image.row(y), image.row(y) + image.width());
  }
  while (levels.back().width > 1 || levels.back().height > 1) levels.push_back(halve(levels.back()));
  return levels;
}

inline double reference(const std::vector<Plane>& levels, const Keypoint& keypoint, const CutOptions& options,
                        int column, int row) {
  const auto [x, y] = place(keypoint, options, column, row);
  const double step = longest_step(keypoint, options);
  const double level = std::clamp(std::log2(step), 0.0, static_cast<double>(levels.size() - 1));
  const auto fine = static_cast<std::size_t>(level);
  const std::size_t coarse = std::min(fine + 1, levels.size() - 1);
  const auto sample = [&](std::size_t l) {
    return levels[l].bilinear(std::ldexp(x - 0.5, -static_cast<int>(l)), std::ldexp(y - 0.5, -static_cast<int>(l)));
  };
  const double blend = level - static_cast<double>(fine);
  return (1 - blend) * sample(fine) + blend * sample(coarse);
}

/// Largest difference of a pixel to its reference, grey levels.
inline double worst_error(const PatchSet& patches, const std::vector<Plane>& levels,
                          const std::vector<Keypoint>& keypoints, const CutOptions& options) {
  double worst = 0;
  for (std::int64_t i = 0; i < patches.size(); ++i) {
    for (int row = 0; row < options.side; ++row) {
      for (int column = 0; column < options.side; ++column) {
        const double expected = reference(levels, keypoints[static_cast<std::size_t>(i)], options, column, row);
        worst = std::max(worst, std::abs(pixel(patches, i, column, row) - expected));
      }
    }
  }
  return worst;
}

}  // namespace twinpatch::test
