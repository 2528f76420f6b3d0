// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "grid/panel_scoring.hpp"
#include "grid/selection.hpp"

// How a tile of a siamese grid is divided: right rows into runs of panels that are packed together, packed runs into
// blocks, of which each is one thread's.

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
  /// The rows of packed panel `at`; where they are packed is for the caller to add.
  [[nodiscard]] Panel panel(std::int64_t at) const;
};

/// What one thread does in one go: a strip of left rows against some panels of a run.
struct Block {
  Strip left;
  const Run* right = nullptr;
  std::int64_t first_panel = 0;  ///< of the packed ones
  std::int64_t last_panel = 0;

  /// Its place in the grid, in which left row 0 is grid row `first_row`.
  [[nodiscard]] GridBlock place(std::int64_t first_row) const;
};

/// Appends `all`, divided into runs of rows that take `row_bytes` each once packed.
void add_runs(const Run& all, std::int64_t row_bytes, std::vector<Run>& runs);
/// The runs of a tile. Throws InvalidArgument for right rows of another backend or side and for parts outside the grid
/// of `request`.
[[nodiscard]] std::vector<Run> runs_of(const GridTile& tile, const SelectionRequest& request,
                                       const std::string& network, std::int64_t row_bytes);

/// What is done with packed runs and blocks, by several threads at once but for `reserve`.
struct BlockWork {
  std::int64_t row_bytes = 0;                        ///< of a packed right row
  std::function<void(std::int64_t panels)> reserve;  ///< makes room for so many packed panels
  std::function<void(const Panel& right, std::int64_t at)> pack;
  std::function<void(const Block& block, int worker)> score;
};
/// Packs runs, one for each thread or a few more where they are small, and scores blocks that cover left × these, until
/// all are done.
void for_blocks(ThreadPool& pool, const SiameseRows& left, std::span<Run> runs, const BlockWork& work,
                const RunControl& control);

}  // namespace twinpatch::cpu
