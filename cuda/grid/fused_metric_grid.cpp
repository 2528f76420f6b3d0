// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "grid/metric_bounds.hpp"
#include "grid/slab_grid.hpp"
#include "grid/strategies.hpp"

namespace twinpatch::cuda {
namespace {

/// l2 and cosine. A value is that of kernels::Rescoring.
class FusedMetricGrid final : public SlabGrid {
 public:
  using SlabGrid::SlabGrid;

 private:
  [[nodiscard]] kernels::SlabTile bounds() const override {
    const MetricBounds rounding = operand_bounds(device()->search_type(), parts().length);
    const double slack = rounding.slack + tensor_core_slack(parts().length);
    const bool l2 = parts().operation == kernels::PairOperation::l2;
    return {.share = static_cast<float>(l2 ? slack - 0.5 : slack),
            .margin = rounding.margin,
            .slack = slack,
            .largest = device()->search_type() == NumberType::fp16 ? 65504.0F * 65504.0F : 1e37F};
  }
  void summarise(const kernels::SlabTile& tile, kernels::Summaries summaries) override {
    kernels::product_slabs(device()->stream(), device()->search_type(), tile, summaries);
  }
};

}  // namespace

std::unique_ptr<GridStrategy> make_fused_metric_grid(ScorerParts& parts) {
  return std::make_unique<FusedMetricGrid>(parts);
}

}  // namespace twinpatch::cuda
