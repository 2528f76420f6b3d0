// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace twinpatch {

/// The work of a device in a run so far, and its ceilings. Seconds are busy time: stages overlap, so a run waits for
/// the slowest one, not for their sum.
struct RunSummary {
  struct Stage {
    std::string name;        ///< read, copy, compute, select, write
    double seconds = 0;      ///< of work
    std::int64_t bytes = 0;  ///< moved; 0 if not counted
  };
  std::string device;
  std::vector<Stage> stages;
  std::int64_t patches = 0;      ///< that went through a tower
  std::int64_t pairs = 0;        ///< that were scored
  std::string screening;         ///< what grids were searched with first, empty if they were not
  std::int64_t screened = 0;     ///< pairs of grids that were searched in low precision first
  std::int64_t rescored = 0;     ///< of them, scored again in the run's precision
  std::int64_t rounded = 0;      ///< activations that int8 rounded to 8 bits
  std::int64_t saturated = 0;    ///< of them, beyond their layer's calibrated range
  double operations = 0;         ///< of the networks, a multiplication and an addition count as two
  double tflops_ceiling = 0;     ///< of the device at the run's precision; 0: unknown
  double gigabytes_ceiling = 0;  ///< per second, of the device's memory; 0: unknown

  /// The stage that was busy longest; null before any was.
  [[nodiscard]] const Stage* slowest() const;
  /// Seconds of the named stage, 0 if there is none.
  [[nodiscard]] double seconds(const std::string& name) const;
  /// Of the computing stages, 10¹² operations and 10⁹ bytes per second.
  [[nodiscard]] double tflops() const;
  [[nodiscard]] double gigabytes() const;
  /// What int8 found beyond the calibrated ranges; empty where nothing was rounded.
  [[nodiscard]] std::string saturation() const;
  /// Lines for the user.
  [[nodiscard]] std::vector<std::string> text() const;
};

}  // namespace twinpatch
