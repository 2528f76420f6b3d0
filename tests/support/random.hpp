// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "twinpatch/core/split_mix.hpp"

namespace twinpatch::test {

/// Seeded numbers, the same with every standard library (std's distributions are not).
class Random {
 public:
  explicit Random(std::uint64_t seed) : bits_(seed) {}

  std::uint64_t bits() { return bits_.next(); }
  /// Uniform in [0, 1).
  double uniform() { return bits_.uniform(); }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// Uniform in [0, count).
  std::int64_t below(std::int64_t count) {
    return static_cast<std::int64_t>(bits() % static_cast<std::uint64_t>(count));
  }
  /// Normal with mean 0 and deviation 1.
  double normal() {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
    return radius * std::cos(6.283185307179586 * uniform());
  }

 private:
  SplitMix64 bits_;
};

inline std::vector<float> normal_floats(std::int64_t count, std::uint64_t seed, double deviation = 1.0) {
  Random random(seed);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = static_cast<float>(deviation * random.normal());
  return values;
}

/// Grey patches [count, height, width] with what photographs have: a brightness of their own, waves and edges in random
/// directions, a blob, noise. No two alike, none flat.
inline std::vector<std::uint8_t> structured_patches(std::int64_t count, int height, int width, std::uint64_t seed) {
  Random random(seed);
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(count) * static_cast<std::size_t>(height) *
                                   static_cast<std::size_t>(width));
  auto* pixel = pixels.data();
  for (std::int64_t patch = 0; patch < count; ++patch) {
    const double base = random.uniform(60, 190);
    const double contrast = random.uniform(15, 50);
    const double wave_angle = random.uniform(0, 6.28);
    const double wave_length = random.uniform(5, 25);
    const double edge_angle = random.uniform(0, 6.28);
    const double edge_offset = random.uniform(-0.3, 0.3) * width;
    const double blob_x = random.uniform(0.2, 0.8) * width;
    const double blob_y = random.uniform(0.2, 0.8) * height;
    const double blob_size = random.uniform(0.08, 0.25) * std::max(width, height);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x, ++pixel) {
        const double along = x * std::cos(wave_angle) + y * std::sin(wave_angle);
        const double edge = (x - width / 2.0) * std::cos(edge_angle) + (y - height / 2.0) * std::sin(edge_angle);
        const double from_blob = std::hypot(x - blob_x, y - blob_y) / blob_size;
        const double value = base + contrast * std::sin(6.283185307179586 * along / wave_length) +
                             (edge > edge_offset ? contrast : -contrast) - contrast * std::exp(-from_blob * from_blob) +
                             4.0 * random.normal();
        *pixel = static_cast<std::uint8_t>(std::clamp(std::lround(value), 0L, 255L));
      }
    }
  }
  return pixels;
}

}  // namespace twinpatch::test
