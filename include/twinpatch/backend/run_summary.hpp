// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace twinpatch {

/// What a device did so far in a run, beside what it could do at best. Seconds are busy time: stages overlap, so that
/// the slowest one, not their sum, is what a run waits for.
struct RunSummary {
  struct Stage {
    std::string name;        ///< read, copy, compute, select, write
    double seconds = 0;      ///< in which it was at work
    std::int64_t bytes = 0;  ///< that it moved; 0 where nobody counted
  };
  std::string device;
  std::vector<Stage> stages;
  std::int64_t patches = 0;      ///< that went through a tower
  std::int64_t pairs = 0;        ///< that were scored
  double operations = 0;         ///< of the networks, a multiplication and an addition count as two
  double tflops_ceiling = 0;     ///< of the device at the run's precision; 0: unknown
  double gigabytes_ceiling = 0;  ///< a second, of the device's memory; 0: unknown

  /// The stage that was busy longest; null before any was.
  [[nodiscard]] const Stage* slowest() const;
  /// Seconds of the named stage, 0 if there is none.
  [[nodiscard]] double seconds(const std::string& name) const;
  /// Of the computing stages, 10¹² operations and 10⁹ bytes a second.
  [[nodiscard]] double tflops() const;
  [[nodiscard]] double gigabytes() const;
  /// Lines for people.
  [[nodiscard]] std::vector<std::string> text() const;
};

}  // namespace twinpatch
