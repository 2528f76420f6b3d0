// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "grid/panel_scoring.hpp"
#include "twinpatch/core/buffer.hpp"

namespace twinpatch::cpu {

/// Right rows of one part of a tile that lie in one segment of the grid: consecutive panels, few enough to stay in a
/// core's own cache.
struct Run {
  const SiameseRows* rows = nullptr;
  std::int64_t first = 0;  ///< row of `rows`
  std::int64_t count = 0;
  std::int64_t column = 0;  ///< of the grid
  std::int64_t segment = 0;
  std::int64_t first_panel = 0;  ///< of the packed ones
  std::int64_t first_block = 0;  ///< of the blocks of all runs packed together
  std::int64_t splits = 1;       ///< into so many pieces its panels are split among threads

  [[nodiscard]] std::int64_t panels() const { return ceil_divide(count, grid_kernels().panel); }
};

/// Appends `all`, divided into runs.
void add_runs(const Run& all, std::vector<Run>& runs);
/// The run that panel or block `at` belongs to: the last one whose `first` (a member of Run) is not behind it.
[[nodiscard]] const Run& run_of(std::span<const Run> runs, std::int64_t Run::*first, std::int64_t at);

/// Some runs packed into panels; memory is kept for the next ones.
class PackedRuns {
 public:
  PackedRuns(ThreadPool& pool, const PanelScoring& scoring) : pool_(pool), scoring_(scoring) {}
  /// Packs the first runs, one for each thread or a few more where they are small, in parallel. Returns them.
  std::span<Run> pack(std::span<Run> runs, Purpose purpose);
  /// Panel `at` of the packed ones, one of the run's.
  [[nodiscard]] Panel panel(const Run& run, std::int64_t at);

 private:
  ThreadPool& pool_;
  const PanelScoring& scoring_;
  Buffer<float> values_;     ///< [panels, depth, panel]
  Buffer<float> constants_;  ///< [panels, panel]
};

}  // namespace twinpatch::cpu
