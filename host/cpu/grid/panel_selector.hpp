// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "grid/panel_scoring.hpp"
#include "grid/selection.hpp"

namespace twinpatch::cpu {

/// Selects from a block of a grid, strip by strip in full precision. One thread's; memory is kept from block to block.
class PanelSelector {
 public:
  PanelSelector(const std::string& network, PanelScoring& scoring) : network_(&network), scoring_(&scoring) {}

  /// Begins the block at `place`, a strip of left rows high.
  void begin(const GridBlock& place, const CpuSelection& selection);
  /// What the block keeps; ended by the caller.
  [[nodiscard]] SelectionBlock& block() { return block_; }
  /// Takes over how good scores must be by now; before the block's first select().
  void take_limits(const Strip& left);
  /// Scores the strip against one packed panel, whose first column is `first` of the block. Throws NotFinite.
  void select(const Strip& left, const Panel& right, std::int64_t first, int worker);
  /// Offers the score of row i and column j of the block to it. Throws NotFinite.
  void offer(std::int64_t i, std::int64_t j, float score);

 private:
  const std::string* network_;
  PanelScoring* scoring_;
  const GridKernels& kernels_ = grid_kernels();
  SelectionBlock block_;
  GridBlock place_;
  std::vector<float> strip_ = std::vector<float>(kStripRows * kMaxPanel);
  std::vector<std::uint16_t> hits_ = std::vector<std::uint16_t>(kStripRows * kMaxPanel);
  std::vector<float> offsets_ = std::vector<float>(kStripRows);
  std::vector<float> row_limits_ = std::vector<float>(kStripRows);
  std::vector<float> column_limits_;
};

}  // namespace twinpatch::cpu
