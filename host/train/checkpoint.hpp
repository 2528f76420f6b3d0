// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "twinpatch/formats/safetensors.hpp"
#include "twinpatch/train/trainer.hpp"

namespace twinpatch::train {

/// Everything a run needs to go on as if it had never stopped.
struct RunState {
  std::string configuration;  ///< JSON of network, data and options: must be those of the run that continues
  std::int64_t step = 0;      ///< steps done
  double seconds = 0;
  double loss_sum = 0;  ///< since the last validation
  std::int64_t loss_count = 0;
  std::vector<HistoryEntry> history;
  std::int64_t best_step = -1;
  int validations_since_best = 0;
  bool done = false;
  std::map<std::string, Tensor> weights;
  std::map<std::string, Tensor> optimiser;
  std::map<std::string, Tensor> best;
};

/// One file, `state.safetensors`, replaced as a whole: a kill or a full disk leaves the one before.
void write_checkpoint(const std::filesystem::path& folder, const RunState& state);
/// Nothing where the folder holds no checkpoint. Throws InvalidArgument naming the first difference where it belongs to
/// another configuration, FormatError where it is damaged.
[[nodiscard]] std::optional<RunState> read_checkpoint(const std::filesystem::path& folder,
                                                      const std::string& configuration);
[[nodiscard]] std::filesystem::path checkpoint_path(const std::filesystem::path& folder);

[[nodiscard]] std::string history_json(const std::vector<HistoryEntry>& history);

}  // namespace twinpatch::train
