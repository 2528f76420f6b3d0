// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

namespace twinpatch::test {

// hpatches-benchmark's metrics.py, step by step: the curves are written out and integrated.

struct Curve {
  std::vector<double> x, y;
  [[nodiscard]] double area() const {
    double sum = 0;
    for (std::size_t i = 1; i < x.size(); ++i) sum += (x[i] - x[i - 1]) * (y[i] + y[i - 1]) / 2;
    return sum;
  }
};

/// True and false positives after each entry, highest score first, equal scores in their order.
inline std::vector<std::pair<double, double>> true_and_false(const std::vector<double>& scores,
                                                             const std::vector<int>& labels) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  std::vector<std::pair<double, double>> counts{{0, 0}};
  for (const std::size_t i : order) {
    counts.push_back(counts.back());
    (labels[i] == 1 ? counts.back().first : counts.back().second) += 1;
  }
  return counts;
}

inline double reference_precision(const std::vector<double>& scores, const std::vector<int>& labels, double positives) {
  constexpr double kSmall = 1e-10;
  Curve curve;
  for (const auto& [right, wrong] : true_and_false(scores, labels)) {
    curve.x.push_back(right / std::max(positives, kSmall));
    curve.y.push_back(std::max(right, kSmall) / std::max(right + wrong, kSmall));
  }
  return curve.area();
}

inline double reference_roc(const std::vector<double>& scores, const std::vector<int>& labels) {
  const auto counts = true_and_false(scores, labels);
  Curve curve;
  for (const auto& [right, wrong] : counts) {
    curve.x.push_back(wrong / counts.back().second);
    curve.y.push_back(right / counts.back().first);
  }
  return curve.area();
}

}  // namespace twinpatch::test
