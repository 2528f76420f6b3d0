// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "twinpatch/backend/selection.hpp"

namespace twinpatch::cpu {

/// One order for everything that is kept: higher score first, ties by lower index. A total order, so that what is kept
/// depends neither on the order of tiles nor on the number of threads.
[[nodiscard]] inline bool ranks_before(float score, std::int32_t index, float other_score, std::int32_t other_index) {
  return score > other_score || (score == other_score && index < other_index);
}

/// Scores of one piece of a grid: rows [first_row, first_row + rows) and columns [first_column, first_column +
/// columns), which lie in one segment.
struct GridBlock {
  std::int64_t first_row = 0;
  std::int64_t rows = 0;
  std::int64_t first_column = 0;
  std::int64_t columns = 0;
  std::int64_t segment = 0;
};

/// What was kept so far of a whole grid. Blocks of it are scored by several threads, each into a SelectionBlock of its
/// own that is merged at the block's end.
class CpuSelection final : public Selection {
 public:
  /// Throws as begin() does.
  explicit CpuSelection(const SelectionRequest& request);

  [[nodiscard]] const SelectionRequest& request() const override { return request_; }
  /// After an error the selection is one of an empty grid.
  void begin(const SelectionRequest& request) override;
  [[nodiscard]] Selected read() const override;

 private:
  friend class SelectionBlock;
  /// The best of one row in one segment begin here.
  [[nodiscard]] std::int64_t place(std::int64_t segment, std::int64_t row) const {
    return (segment * request_.rows + row) * request_.top_k;
  }
  SelectionRequest request_;
  mutable std::mutex mutex_;
  // At least as large as the request needs: memory is kept from grid to grid.
  Buffer<std::int32_t> indices_;         ///< [segments, rows, top_k], columns counted from their segment's first
  Buffer<float> scores_;                 ///< [segments, rows, top_k]
  Buffer<std::int32_t> column_indices_;  ///< [columns]
  Buffer<float> column_scores_;          ///< [columns]
};

/// The running result of one block of a grid, on one thread. `begin` takes over how good a score must be by now;
/// `end` merges. Memory is kept from block to block.
class SelectionBlock {
 public:
  void begin(const CpuSelection& selection, const GridBlock& block);
  void end(CpuSelection& selection);

  /// Row i of the block keeps nothing below this.
  [[nodiscard]] float row_limit(std::int64_t i) const { return row_limits_[static_cast<std::size_t>(i)]; }
  /// Column j of the block has a row as good as this.
  [[nodiscard]] float column_limit(std::int64_t j) const { return column_scores_[static_cast<std::size_t>(j)]; }
  [[nodiscard]] std::span<const float> row_limits() const { return row_limits_; }
  [[nodiscard]] std::span<const float> column_limits() const { return column_scores_; }
  [[nodiscard]] bool has_columns() const { return has_columns_; }
  /// Score of row i and column j of the block, finite; kept where it belongs among the best.
  void offer(std::int64_t i, std::int64_t j, float score);

 private:
  GridBlock block_;
  std::int64_t segment_column_ = 0;  ///< the block's first column, counted from its segment's first
  std::int64_t top_k_ = 0;
  bool has_columns_ = false;
  std::vector<float> row_limits_;          ///< [rows]
  std::vector<float> scores_;              ///< [rows, top_k] descending, this block's own
  std::vector<std::int32_t> indices_;      ///< [rows, top_k], columns of the segment
  std::vector<float> column_scores_;       ///< [columns]
  std::vector<std::int32_t> column_rows_;  ///< [columns]
};

/// Scores in memory with their place in a grid: scores[i * stride + j] of grid row first_row + i and grid column
/// first_column + j.
struct PlacedScores {
  const float* scores = nullptr;
  std::int64_t stride = 0;
  std::int64_t first_row = 0;
  std::int64_t rows = 0;
  std::int64_t first_column = 0;
  std::int64_t columns = 0;
};
/// Puts scores into the selection, on the calling thread. Throws InvalidArgument for scores outside its grid, NotFinite
/// with the pair.
void select_scores(CpuSelection& selection, const PlacedScores& placed);

/// Calls body(segment, first, count) for the pieces that segments cut columns [first, first + count) of a grid into, in
/// order.
template <class Body>
void for_each_segment(const SelectionRequest& request, std::int64_t first, std::int64_t count, const Body& body) {
  const auto& begins = request.segments;
  const auto after = std::upper_bound(begins.begin(), begins.end(), first);
  std::int64_t segment = begins.empty() ? 0 : after - begins.begin() - 1;
  for (const std::int64_t end = first + count; first < end; ++segment) {
    const std::int64_t segment_end = std::min(end, request.segment_begin(segment + 1));
    if (segment_end > first) body(segment, first, segment_end - first);
    first = std::max(first, segment_end);
  }
}

}  // namespace twinpatch::cpu
