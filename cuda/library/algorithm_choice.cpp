// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "library/algorithm_choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "twinpatch/core/error.hpp"

namespace twinpatch::cuda {
namespace {

bool is_finite(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
}

/// Largest difference from `first`, relative to its largest value.
double difference(const std::vector<float>& values, const std::vector<float>& first) {
  if (values.size() != first.size()) return std::numeric_limits<double>::infinity();
  double most = 0;
  double scale = std::numeric_limits<float>::min();
  for (std::size_t i = 0; i < first.size(); ++i) {
    most = std::max(most, std::abs(static_cast<double>(values[i]) - first[i]));
    scale = std::max(scale, std::abs(static_cast<double>(first[i])));
  }
  return most / scale;
}

}  // namespace

AlgorithmChoice choose_algorithm(const Candidates& candidates,
                                 const std::function<void(const std::string& line)>& log) {
  const auto report = [&](std::size_t i, const std::string& what) {
    if (log) log(fmt::format("{}: {}, not taken", candidates.name(i), what));
  };
  AlgorithmChoice best{candidates.count, std::numeric_limits<double>::infinity()};
  std::vector<float> first;
  std::string reason;
  std::string first_name;
  for (std::size_t i = 0; i < candidates.count; ++i) {
    const Trial trial = candidates.run(i);
    if (!trial.failure.empty()) {
      reason = trial.failure;
      continue;
    }
    if (!is_finite(trial.sample)) {
      reason = "its results are not finite";
      report(i, reason);
      continue;
    }
    if (first_name.empty()) {
      first = trial.sample;
      first_name = candidates.name(i);
    } else if (const double by = difference(trial.sample, first); by > candidates.tolerance) {
      report(i, fmt::format("its results differ by {:.2g} from those of {}", by, first_name));
      continue;
    }
    if (trial.microseconds < best.microseconds) best = {i, trial.microseconds};
  }
  if (best.index == candidates.count) throw DeviceError("no algorithm runs on this device: " + reason);
  return best;
}

}  // namespace twinpatch::cuda
