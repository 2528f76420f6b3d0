// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "branch/siamese_rows.hpp"
#include "grid/strategies.hpp"
#include "kernels/grid_kernels.hpp"
#include "twinpatch/net/decision_head.hpp"

namespace twinpatch::cpu {

/// What the values of a strip are for.
enum class Purpose {
  select,  ///< to be held against limits: v = strip − row_offset may be an upper bound of the score, cheaper than it
  write    ///< to become scores by `finish`
};

/// Right rows [first, first + count), at most a panel, as the inner loops read them.
struct Panel {
  const SiameseRows* rows = nullptr;
  std::int64_t first = 0;
  std::int64_t count = 0;
  float* values = nullptr;     ///< [depth, panel]; null where rows are read directly
  float* constants = nullptr;  ///< [panel]: what every sum of a column starts from
};

/// Rows [first, first + count); of left rows at most kStripRows.
struct Strip {
  const SiameseRows* rows = nullptr;
  std::int64_t first = 0;
  std::int64_t count = 0;
};

/// Rows as kernels read them.
[[nodiscard]] inline RowBlock row_block(const Strip& strip) {
  const Matrix& values = strip.rows->values;
  return {values.data() + strip.first * values.columns(), values.columns(), strip.count, values.columns()};
}

/// How strips of left rows are scored against panels of right rows. Several threads use it at once.
class PanelScoring {
 public:
  virtual ~PanelScoring() = default;
  /// Whether it reads right rows packed into panels.
  [[nodiscard]] virtual bool reads_panels() const { return true; }
  /// Fills the panel's values (where it reads them) and constants from its rows.
  virtual void pack(const Panel& panel, Purpose purpose) const = 0;
  /// Values of left rows against one panel: out [left.count, panel].
  virtual void score(const Strip& left, const Panel& right, Purpose purpose, int worker, float* out) = 0;
  /// Taken off the values of left row i when they are held against limits.
  [[nodiscard]] virtual float row_offset(const SiameseRows& /*left*/, std::int64_t /*i*/) const { return 0; }
  /// A value that every pair of at least this score reaches: what is below it need not be looked at.
  [[nodiscard]] virtual float needed(float score) const { return score; }
  /// The score of a pair whose value reached its limit.
  [[nodiscard]] virtual float exact(const SiameseRows& /*left*/, std::int64_t /*i*/, const SiameseRows& /*right*/,
                                    std::int64_t /*j*/, float value) const {
    return value;
  }
  /// Values of Purpose::write → scores.
  virtual void finish(std::span<float> /*values*/) const {}
};

/// A grid strategy that packs right rows into panels and scores them strip by strip.
[[nodiscard]] std::unique_ptr<GridStrategy> make_panel_grid(std::shared_ptr<CpuContext> context, std::string network,
                                                            std::unique_ptr<PanelScoring> scoring);

/// Of distances and cosines (metric.cpp), and of linear - ReLU - linear(1) (two_layer_head.cpp).
[[nodiscard]] std::unique_ptr<PanelScoring> make_metric_scoring(DecisionMetric::Kind kind, std::int64_t length);
[[nodiscard]] std::unique_ptr<PanelScoring> make_two_layer_scoring(const DecisionHead& head);

/// The value of columns that are padding: it reaches no limit.
inline constexpr float kPadding = -1e38F;

/// Fills a panel: its values times `sign`, constant(j) for each right row j, and columns of padding.
template <class Constant>
void pack_panel(const GridKernels& kernels, const Panel& panel, float sign, const Constant& constant) {
  if (panel.values != nullptr) {
    pack_panels(row_block({panel.rows, panel.first, panel.count}), kernels.panel, sign, panel.values);
  }
  for (std::int64_t j = 0; j < kernels.panel; ++j) {
    panel.constants[j] = j < panel.count ? constant(panel.first + j) : kPadding;
  }
}

}  // namespace twinpatch::cpu
