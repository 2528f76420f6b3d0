// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "grid/metric_bounds.hpp"
#include "grid/row_grid.hpp"
#include "grid/strategies.hpp"
#include "kernels/product_slabs.hpp"
#include "runtime/nvtx.hpp"

namespace twinpatch::cuda {
namespace {

constexpr auto kFloatBytes = static_cast<std::int64_t>(sizeof(float));

/// l2 and cosine in half precision without values in memory: products on tensor cores leave, of each row and column in
/// each 128 of the other side, the best pairs and a bound on all others (kernels/product_slabs.hpp). Pairs that may be
/// kept are scored again as lists are, so what is kept is what the metric grid keeps, bit for bit.
class FusedMetricGrid final : public RowGrid {
 public:
  explicit FusedMetricGrid(ScorerParts& parts) : RowGrid(parts), summaries_(parts.device) {}

 private:
  /// Nothing to fuse: the scores are what is asked for.
  void scores(const RowTile& tile, float* values) override {
    kernels::grid_tile(device()->stream(), comparison(tile), values, tile.stride);
  }
  /// Summaries take about a sixth of a byte a pair where segments are long.
  [[nodiscard]] std::int64_t tile_pairs() const override {
    constexpr std::int64_t kMost = std::int64_t{1} << 30;
    return std::clamp<std::int64_t>(device()->context.pool().bound() / 4, 1, kMost);
  }
  void select_tile(const RowTile& tile, TilePlace place, DeviceSelection& selection) override;
  void release() override { summaries_.release(); }
  [[nodiscard]] kernels::ProductTile product_tile(const RowTile& tile) const;

  ReusedBuffer<float> summaries_;
};

kernels::ProductTile FusedMetricGrid::product_tile(const RowTile& tile) const {
  const std::int64_t length = parts().length;
  const MetricBounds rounding = operand_bounds(device()->options.precision, length);
  // Sums on tensor cores: 17 terms cut off at the 24th bit of the largest one, once every 16 k, or 9 every 8.
  const double slack = rounding.slack + static_cast<double>(length + 16) * 0x1p-22;
  const bool l2 = parts().operation == kernels::PairOperation::l2;
  const bool fp16 = device()->type == NumberType::fp16;
  return {.left = {tile.left.operand, tile.left.rows},
          .right = {tile.right.operand, tile.right.rows},
          .length = length,
          .share = static_cast<float>(l2 ? slack - 0.5 : slack),
          .margin = rounding.margin,
          .slack = slack,
          .largest = fp16 ? 65504.0F * 65504.0F : 1e37F};
}

void FusedMetricGrid::select_tile(const RowTile& tile, TilePlace place, DeviceSelection& selection) {
  const std::int64_t rows = tile.left.rows.count;
  const std::int64_t columns = tile.right.rows.count;
  const kernels::SelectionKeys keys = selection.keys(place.column, columns);
  kernels::ProductTile products = product_tile(tile);
  products.first_row = place.row;
  products.segments = {.begins = keys.segment_begins != nullptr ? keys.segment_begins + keys.first_segment : nullptr,
                       .count = keys.tile_segments,
                       .first_column = place.column,
                       .columns = columns};
  const std::int64_t of_rows = kernels::row_summary_size(rows, columns, keys.tile_segments);
  const std::int64_t of_columns = keys.columns != nullptr ? kernels::column_summary_size(rows, columns) : 0;
  float* const summaries = summaries_.at_least(checked_add(of_rows, of_columns));
  const kernels::Summaries to{.rows = summaries, .columns = of_columns > 0 ? summaries + of_rows : nullptr};
  const std::int64_t bytes = kFloatBytes * (of_rows + of_columns);
  compute(rows * columns, bytes, [&] { kernels::product_slabs(device()->stream(), device()->type, products, to); });
  pick(2 * bytes, [&] { kernels::select_slabs(device()->stream(), parts().operation, products, to, keys); });
}

}  // namespace

std::unique_ptr<GridStrategy> make_fused_metric_grid(ScorerParts& parts) {
  return std::make_unique<FusedMetricGrid>(parts);
}

}  // namespace twinpatch::cuda
