// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "grid/panel_selector.hpp"
#include "grid/screen.hpp"

namespace twinpatch::cpu {

/// Rows in 8 bits, one after the other or in panels: those of one side of a tile, of a block, or of a panel.
struct ScreenedRows {
  std::uint8_t* values = nullptr;  ///< left [rows, depth], right [panels, depth / 4, panel, 4]
  float* scales = nullptr;         ///< [rows], as in ScreenedRow
  float* levels = nullptr;
  float* widths = nullptr;
  std::int32_t* starts = nullptr;

  [[nodiscard]] ScreenedRows from(std::int64_t row, std::int64_t depth) const {
    return {values + row * depth, scales + row, levels + row, widths + row, starts + row};
  }
};

/// Selects from a block of a grid by its screen. One thread's; memory is kept from block to block.
///
/// A pair cannot be kept if its upper bound is below the k-th best lower bound of its row and below the best lower
/// bound of its column. What is left when the block is through is scored in full, and that decides. Where too much is
/// left, the rest of the block is scored in full from the start.
class ScreenedBlock {
 public:
  ScreenedBlock(const std::string& network, const ScreenedParts& parts);

  /// `depth`: of stored rows, padded.
  void begin(const Strip& left, const ScreenedRows& stored, std::int64_t depth, const GridBlock& place,
             const CpuSelection& selection);
  /// The next panel. `first`: its first column in the block.
  void select(const Panel& right, const ScreenedRows& stored, std::int64_t first, int worker);
  /// Merges what the block keeps. Returns what became of its pairs.
  ScreenedCounts end(CpuSelection& selection);

 private:
  /// What is left of a panel.
  struct Candidate {
    float value = 0;     ///< upper bound
    std::int32_t i = 0;  ///< row of the block
    std::int32_t j = 0;  ///< column of the block
  };

  void select_full(const Panel& right, std::int64_t first, int worker);
  void open_rows(const ScreenedRows& stored);
  void open_columns(const ScreenedRows& stored, std::int64_t count, float* column_limits);
  void raise_row(std::int64_t i, float lower_bound);
  void collect(const Panel& right, const ScreenedRows& stored, std::int64_t first, bool raise_rows);
  void rescore();
  void score_batch(std::span<const ScreenedPair> pairs, std::span<const Candidate> candidates);
  [[nodiscard]] ScreenStrip strip_of(const ScreenedRows& right, const float* row_levels) const;
  [[nodiscard]] float limit_of(float score) const;
  [[nodiscard]] bool passes(const Candidate& candidate) const;

  const ScreenedParts* parts_;
  const ScreenKernels* kernels_;
  const ScreenTools& tools_ = screen_tools();
  PanelSelector selector_;
  ScreenedCounts counts_;

  Strip left_;
  ScreenedRows stored_;
  std::int64_t depth_ = 0;
  GridBlock place_;
  const SiameseRows* right_ = nullptr;
  std::int64_t right_first_ = 0;  ///< right row of the block's first column
  std::int64_t top_k_ = 1;
  bool has_columns_ = false;
  bool full_ = false;      ///< the rest of the block is scored in full from the start
  std::int64_t seen_ = 0;  ///< pairs of the block that were screened
  ScreenScale scale_;

  std::vector<std::int32_t> sums_;  ///< [rows, panel]
  std::vector<std::uint16_t> hits_;
  std::vector<float> lower_levels_;   ///< [rows]: row levels of lower bounds
  std::vector<float> row_limits_;     ///< [rows]
  std::vector<float> column_limits_;  ///< [columns, padded]
  std::vector<float> best_;           ///< [rows, top_k]: best lower bounds of the block, descending
  std::vector<float> row_groups_;     ///< [rows, kRowGroups]
  std::vector<float> column_best_;    ///< [panel]
  std::vector<Candidate> candidates_;
  std::vector<float> panel_values_;  ///< a panel for scoring in full
  std::vector<float> panel_constants_;
};

}  // namespace twinpatch::cpu
