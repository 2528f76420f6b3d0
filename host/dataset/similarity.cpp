// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "similarity.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace twinpatch::dataset {

namespace {

constexpr int kSide = 64;
constexpr int kCells = 4;
constexpr int kDirections = 8;

void normalise(GradientHistogram& histogram) {
  double squares = 1e-12;
  for (const float value : histogram) squares += double{value} * value;
  const auto factor = static_cast<float>(1.0 / std::sqrt(squares));
  for (float& value : histogram) value *= factor;
}

}  // namespace

GradientHistogram gradient_histogram(const std::uint8_t* patch) {
  GradientHistogram histogram{};
  constexpr float kPerRadian = kDirections / (2.0F * std::numbers::pi_v<float>);
  for (int y = 1; y < kSide - 1; ++y) {
    const std::uint8_t* row = patch + y * kSide;
    for (int x = 1; x < kSide - 1; ++x) {
      const auto dx = static_cast<float>(row[x + 1] - row[x - 1]);
      const auto dy = static_cast<float>(row[x + kSide] - row[x - kSide]);
      const float strength = std::sqrt(dx * dx + dy * dy);
      // Shared between the two nearest directions.
      const float direction = (std::atan2(dy, dx) + std::numbers::pi_v<float>)*kPerRadian;
      const auto whole = static_cast<int>(direction);
      const float rest = direction - static_cast<float>(whole);
      float* cell = histogram.data() + ((y / (kSide / kCells)) * kCells + x / (kSide / kCells)) * kDirections;
      cell[whole % kDirections] += strength * (1.0F - rest);
      cell[(whole + 1) % kDirections] += strength * rest;
    }
  }
  normalise(histogram);
  for (float& value : histogram) value = std::min(value, 0.2F);  // one strong edge must not decide alone
  normalise(histogram);
  return histogram;
}

std::vector<GradientHistogram> gradient_histograms(PatchView patches, ThreadPool& pool) {
  std::vector<GradientHistogram> histograms(static_cast<std::size_t>(patches.count));
  const auto* pixels = static_cast<const std::uint8_t*>(patches.pixels);
  pool.for_ranges(patches.count, 256, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t i = begin; i < end; ++i) {
      histograms[static_cast<std::size_t>(i)] = gradient_histogram(pixels + i * patches.patch_bytes());
    }
  });
  return histograms;
}

float similarity(const GradientHistogram& a, const GradientHistogram& b) {
  float sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

double contrast(const std::uint8_t* patch) {
  std::int64_t sum = 0;
  std::int64_t squares = 0;
  for (int i = 0; i < kSide * kSide; ++i) {
    sum += patch[i];
    squares += std::int64_t{patch[i]} * patch[i];
  }
  const double mean = static_cast<double>(sum) / (kSide * kSide);
  return std::sqrt(std::max(0.0, static_cast<double>(squares) / (kSide * kSide) - mean * mean));
}

}  // namespace twinpatch::dataset
