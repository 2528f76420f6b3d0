// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "grid/metric_bounds.hpp"
#include "grid/row_grid.hpp"
#include "grid/strategies.hpp"
#include "grid/tile_products.hpp"
#include "twinpatch/net/siamese_grid.hpp"

namespace twinpatch::cuda {
namespace {

using kernels::PairOperation;

/// Distances and cosines. A matrix product and the norms give bounds cheaply, and whatever reaches its limit is scored
/// again from the rows (kernels::Rescoring): what is kept is what a full matrix of scores of listed pairs would give,
/// in every precision.
class MetricGrid final : public RowGrid {
 public:
  explicit MetricGrid(ScorerParts& parts) : RowGrid(parts), products_(parts.device) { set_bounds(); }

 private:
  void bounds(const RowTile& tile, float* values) override {
    if (parts().operation == PairOperation::l1) return scores(tile, values);
    products_.run(tile.left, tile.right, tile.stride, values);
  }
  [[nodiscard]] std::optional<kernels::Rescoring> rescoring(const RowTile& tile) const override {
    const double share = parts().operation == PairOperation::l2 ? slack_ - 0.5 : slack_;
    return kernels::Rescoring{.operation = parts().operation,
                              .left = tile.left.rows,
                              .right = tile.right.rows,
                              .length = parts().length,
                              .share = static_cast<float>(share),
                              .margin = margin_,
                              .slack = summation_slack(parts().length)};
  }
  void release() override { products_.release(); }

  /// By the rounding of operands and of sums.
  void set_bounds() {
    const MetricBounds rounding = operand_bounds(device()->options.precision, parts().length);
    slack_ = summation_slack(parts().length) + rounding.slack;
    margin_ = rounding.margin;
  }

  double slack_ = 0;
  float margin_ = 0;
  TileProducts products_;
};

}  // namespace

std::unique_ptr<GridStrategy> make_metric_grid(ScorerParts& parts) { return std::make_unique<MetricGrid>(parts); }

}  // namespace twinpatch::cuda
