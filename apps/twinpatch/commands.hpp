// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "apps/frame/command.hpp"

// One function, and one file, per command.

namespace twinpatch::app {

[[nodiscard]] Command match_command();
[[nodiscard]] Command describe_command();
[[nodiscard]] Command score_command();
[[nodiscard]] Command grid_command();
[[nodiscard]] Command eval_command();
[[nodiscard]] Command model_command();
[[nodiscard]] Command model_list_command();
[[nodiscard]] Command model_show_command();
[[nodiscard]] Command model_convert_command();
[[nodiscard]] Command model_export_command();
[[nodiscard]] Command model_quantize_command();
[[nodiscard]] Command model_verify_command();
[[nodiscard]] Command colmap_command();
[[nodiscard]] Command dataset_command();
[[nodiscard]] std::vector<Command> candidate_commands();  ///< of dataset
[[nodiscard]] Command merge_command();
[[nodiscard]] Command plan_command();
[[nodiscard]] Command doctor_command();
[[nodiscard]] Command export_command();
[[nodiscard]] Command export_hloc_command();
[[nodiscard]] Command export_openmvg_command();
[[nodiscard]] Command export_opensfm_command();
[[nodiscard]] Command bench_command();

}  // namespace twinpatch::app
