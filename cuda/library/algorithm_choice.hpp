// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace twinpatch::cuda {

/// What came of running one of several algorithms on the same input.
struct Trial {
  double microseconds = 0;
  std::vector<float> sample;  ///< of its result, the same places for all
  std::string failure;        ///< why it did not run; empty: it did
};

/// Algorithms to choose from.
struct Candidates {
  std::size_t count = 0;
  std::function<Trial(std::size_t)> run;
  std::function<std::string(std::size_t)> name;  ///< for the log
  double tolerance = 0;  ///< of a result's difference from the first one's, relative to the largest value of that one
};

struct AlgorithmChoice {
  std::size_t index = 0;
  double microseconds = 0;
};
/// The fastest of those whose result is that of the first that ran; what differs from it is named in the log and never
/// taken, however fast. Throws DeviceError with the last reason where none runs.
[[nodiscard]] AlgorithmChoice choose_algorithm(const Candidates& candidates,
                                               const std::function<void(const std::string& line)>& log);

}  // namespace twinpatch::cuda
