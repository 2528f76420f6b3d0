// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "measure.hpp"
#include "twinpatch/backend/backend.hpp"

namespace twinpatch::bench {

struct CaseOptions {
  ExecutionOptions execution;
  double seconds = 1.5;  ///< of timed runs a case
  bool tiny = false;     ///< sizes for a test that the program runs at all
  std::filesystem::path folder = std::filesystem::temp_directory_path();  ///< of the file that end_to_end reads
};

/// Names, in the order they run: tower, list, head_grid, l2_grid, l1_grid, l2_odd, l2_batch, two_channel_grid,
/// end_to_end.
[[nodiscard]] const std::vector<std::string>& case_names();

/// One case on one device in one precision. What the device does not offer comes back as skipped, with the reason.
[[nodiscard]] Measure run_case(const std::string& name, const CaseOptions& options);

}  // namespace twinpatch::bench
