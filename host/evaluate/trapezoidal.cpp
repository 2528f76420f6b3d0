// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/evaluate/trapezoidal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "twinpatch/core/error.hpp"

namespace twinpatch {
namespace {

/// Labels in order of their scores, highest first.
std::vector<std::uint8_t> ranked(std::span<const float> scores, std::span<const std::uint8_t> labels) {
  if (scores.size() != labels.size())
    throw InvalidArgument(fmt::format("{} scores but {} labels", scores.size(), labels.size()));
  if (std::ranges::any_of(scores, [](float score) { return std::isnan(score); }))
    throw InvalidArgument("a score is not a number");
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  std::vector<std::uint8_t> sorted;
  sorted.reserve(order.size());
  for (const std::size_t i : order) sorted.push_back(labels[i]);
  return sorted;
}

/// Of `found` relevant entries among the first found + others; 1 before the first entry.
double precision(std::int64_t found, std::int64_t others) {
  return found + others == 0 ? 1.0 : static_cast<double>(found) / static_cast<double>(found + others);
}

/// The trapezoid that the next relevant entry adds, in units of 1 / positives.
double step(std::int64_t found, std::int64_t others) {
  return (precision(found, others) + precision(found + 1, others)) / 2;
}

}  // namespace

double trapezoidal_average_precision(std::span<const float> scores, std::span<const std::uint8_t> labels,
                                     std::int64_t positives) {
  std::int64_t found = 0;
  std::int64_t others = 0;
  double sum = 0;
  for (const std::uint8_t label : ranked(scores, labels)) {
    if (label == 0) {
      ++others;
    } else {
      sum += step(found++, others);
    }
  }
  if (positives < std::max<std::int64_t>(found, 1))
    throw InvalidArgument(fmt::format("{} positives, of which {} are among the labels", positives, found));
  return sum / static_cast<double>(positives);
}

double trapezoidal_average_precision(std::span<const std::int64_t> above) {
  if (above.empty()) throw InvalidArgument("no relevant entry");
  double sum = 0;
  for (std::size_t found = 0; found < above.size(); ++found)
    sum += step(static_cast<std::int64_t>(found), above[found]);
  return sum / static_cast<double>(above.size());
}

double trapezoidal_roc_area(std::span<const float> scores, std::span<const std::uint8_t> labels) {
  std::int64_t found = 0;
  std::int64_t others = 0;
  double sum = 0;
  for (const std::uint8_t label : ranked(scores, labels)) {
    if (label == 0) {
      ++others;
      sum += static_cast<double>(found);
    } else {
      ++found;
    }
  }
  if (found == 0 || others == 0) throw InvalidArgument("a ROC curve needs labels of both kinds");
  return sum / static_cast<double>(found) / static_cast<double>(others);
}

}  // namespace twinpatch
