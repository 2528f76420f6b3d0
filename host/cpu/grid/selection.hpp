// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "twinpatch/backend/selection.hpp"

namespace twinpatch::cpu {

/// One order for everything that is kept: higher score first, ties by lower index. A total order, so that what is kept
/// depends neither on the order of tiles nor on the number of threads.
[[nodiscard]] inline bool ranks_before(float score, std::int32_t index, float other_score, std::int32_t other_index) {
  return score > other_score || (score == other_score && index < other_index);
}

/// What was kept so far of a whole grid. Blocks of it are scored by several threads, each into a SelectionBlock of its
/// own that is merged at the block's end.
class CpuSelection final : public Selection {
 public:
  /// Throws InvalidArgument for sizes that 32-bit indices do not hold, or top_k < 1.
  explicit CpuSelection(const SelectionRequest& request);

  [[nodiscard]] const SelectionRequest& request() const override { return request_; }
  void begin(const SelectionRequest& request) override;
  [[nodiscard]] Selected read() const override;

  /// Throws InvalidArgument unless the tile lies inside the grid.
  void check_tile(std::int64_t first_row, std::int64_t rows, std::int64_t first_column, std::int64_t columns) const;

 private:
  friend class SelectionBlock;
  SelectionRequest request_;
  mutable std::mutex mutex_;
  Selected kept_;
};

/// The running result of one block of a grid, on one thread. `begin` takes over how good a score must be by now;
/// `end` merges. Memory is kept from block to block.
class SelectionBlock {
 public:
  void begin(const CpuSelection& selection, std::int64_t first_row, std::int64_t rows, std::int64_t first_column,
             std::int64_t columns);
  void end(CpuSelection& selection);

  /// Row i of the block keeps nothing below this.
  [[nodiscard]] float row_limit(std::int64_t i) const { return row_limits_[static_cast<std::size_t>(i)]; }
  /// Column j of the block has a row as good as this.
  [[nodiscard]] float column_limit(std::int64_t j) const { return column_scores_[static_cast<std::size_t>(j)]; }
  [[nodiscard]] bool has_columns() const { return has_columns_; }
  /// Score of row i and column j of the block, finite; kept where it belongs among the best.
  void offer(std::int64_t i, std::int64_t j, float score);

 private:
  std::int64_t first_row_ = 0;
  std::int64_t first_column_ = 0;
  std::int64_t rows_ = 0;
  std::int64_t top_k_ = 0;
  bool has_columns_ = false;
  std::vector<float> row_limits_;          ///< [rows]
  std::vector<float> scores_;              ///< [rows, top_k] descending, this block's own
  std::vector<std::int32_t> indices_;      ///< [rows, top_k]
  std::vector<float> column_scores_;       ///< [columns]
  std::vector<std::int32_t> column_rows_;  ///< [columns]
};

}  // namespace twinpatch::cpu
