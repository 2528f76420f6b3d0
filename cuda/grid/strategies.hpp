// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>

#include "grid/grid_strategy.hpp"
#include "plan/measured_kernels.hpp"
#include "scorer_parts.hpp"
#include "twinpatch/backend/options.hpp"

namespace twinpatch::cuda {

/// What decides on a pair, as far as grids are concerned.
enum class GridDecision {
  metric,      ///< the Euclidean distance or the cosine of two descriptors
  sum_metric,  ///< the sum of absolute differences: no matrix product
  head,        ///< Linear – ReLU – Linear(1) on two descriptors, or Linear(1) alone
  deep_head,   ///< any other fully connected layers
  two_channel  ///< a network that sees both patches
};
[[nodiscard]] GridDecision grid_decision(const NetworkSpec& spec);

/// A row of the table of strategies.
struct GridStrategyRow {
  const char* name;
  GridDecision decision;
  std::span<const Precision> precisions;  ///< that it runs in
  int architecture;                       ///< the first it runs on, as in sm_80
  Kernels kernels;                        ///< library or fused
  std::unique_ptr<GridStrategy> (*make)(ScorerParts& parts);
};
/// The table: of the rows that serve a scorer, the first one does.
[[nodiscard]] std::span<const GridStrategyRow> grid_strategies();

/// What a strategy is chosen for.
struct GridTask {
  GridDecision decision;
  Precision precision;
  int architecture;
  Kernels kernels;  ///< automatic: fused ones where `measured` says that they are faster, else the library
  std::span<const MeasuredKernel> measured = measured_kernels();
};
/// Throws DeviceError where no row serves.
[[nodiscard]] const GridStrategyRow& choose_grid_strategy(std::span<const GridStrategyRow> table, const GridTask& task);

// The strategies, one file each.
[[nodiscard]] std::unique_ptr<GridStrategy> make_metric_grid(ScorerParts& parts);
[[nodiscard]] std::unique_ptr<GridStrategy> make_fused_metric_grid(ScorerParts& parts);
[[nodiscard]] std::unique_ptr<GridStrategy> make_fused_sum_grid(ScorerParts& parts);
[[nodiscard]] std::unique_ptr<GridStrategy> make_head_grid(ScorerParts& parts);
[[nodiscard]] std::unique_ptr<GridStrategy> make_fused_head_grid(ScorerParts& parts);
[[nodiscard]] std::unique_ptr<GridStrategy> make_deep_head_grid(ScorerParts& parts);
[[nodiscard]] std::unique_ptr<GridStrategy> make_two_channel_grid(ScorerParts& parts);

}  // namespace twinpatch::cuda
