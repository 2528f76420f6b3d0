// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "twinpatch/backend/backend.hpp"

namespace twinpatch::bench {

/// Times of one case, each of a whole run of `count` units.
struct Measure {
  std::string name;       ///< "tower"
  std::string precision;  ///< "fp16"
  std::string kernels;    ///< "auto", "library", "fused"
  std::string unit;       ///< "patches", "pairs"
  std::int64_t count = 0;
  std::vector<double> seconds;  ///< one a run, sorted
  double first_seconds = 0;     ///< of the run before them: plans, first touches
  /// Seconds each stage of the devices was busy in the timed runs together, where the backend counts.
  std::map<std::string, double> stage_seconds;
  std::string skipped;  ///< why there are no times; empty otherwise

  /// Units a second in the run at a quantile of time: 0.5 the median, 0.1 the fast tenth.
  [[nodiscard]] double rate(double quantile) const {
    if (seconds.empty()) return 0.0;
    const auto at = static_cast<std::size_t>(quantile * static_cast<double>(seconds.size() - 1) + 0.5);
    return static_cast<double>(count) / seconds[at];
  }
};

/// Busy seconds of every stage so far, over all devices of a backend.
inline std::map<std::string, double> busy_seconds(const Backend& backend) {
  std::map<std::string, double> seconds;
  for (const RunSummary& summary : backend.summaries()) {
    for (const auto& stage : summary.stages) seconds[stage.name] += stage.seconds;
  }
  return seconds;
}

/// Runs `work` once to warm up, then again and again until both the time and the number of runs are reached.
inline void time_runs(Measure& measure, const Backend& backend, double seconds, int least,
                      const std::function<void()>& work) {
  const auto timed = [&] {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  measure.first_seconds = timed();
  const auto before = busy_seconds(backend);
  double total = 0;
  while (total < seconds || static_cast<int>(measure.seconds.size()) < least) {
    measure.seconds.push_back(timed());
    total += measure.seconds.back();
  }
  measure.stage_seconds = busy_seconds(backend);
  for (const auto& [name, value] : before) measure.stage_seconds[name] -= value;
  std::sort(measure.seconds.begin(), measure.seconds.end());
}

}  // namespace twinpatch::bench
