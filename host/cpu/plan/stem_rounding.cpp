// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/stem_rounding.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/narrow_kernels.hpp"

namespace twinpatch::cpu {

float pixel_step(const float* pixels, std::int64_t count, float largest) {
  const float found = narrow_kernels().largest(pixels, count);
  if (std::isnan(found)) return found;
  return std::max(found, std::numeric_limits<float>::min() * largest) / largest;
}

float stem_weight_step(std::span<const float> weights, const StemRounding& rounding) {
  double largest = rounding.largest_weight;
  double squares = 0;
  for (const double value : weights) {
    largest = std::max(largest, std::abs(value));
    squares += value * value;
  }
  if (largest == 0) return 1;
  const double root = std::sqrt(static_cast<double>(weights.size()));
  const double norm = 0x7fffff00 / (root * rounding.largest_pixel) - rounding.growth * root / 2;
  return static_cast<float>(std::max(largest / 32767, std::sqrt(squares) / norm));
}

}  // namespace twinpatch::cpu
