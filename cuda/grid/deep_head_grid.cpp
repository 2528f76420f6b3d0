// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "grid/row_grid.hpp"
#include "grid/strategies.hpp"

namespace twinpatch::cuda {
namespace {

/// Any other fully connected layers: every pair of a tile as a list, through the layers after the first.
class DeepHeadGrid final : public RowGrid {
 public:
  explicit DeepHeadGrid(ScorerParts& parts) : RowGrid(parts), pairs_(parts.device) {}

 private:
  void scores(const RowTile& tile, float* values) override {
    const std::int64_t count = tile.left.rows.count * tile.right.rows.count;
    std::int32_t* const pairs = pairs_.at_least(2 * count);
    kernels::enumerate_pairs(device()->stream(), {.count = count, .columns = tile.right.rows.count}, pairs);
    parts().deep->score(tile.left.rows, tile.right.rows, {pairs, count, values});
  }
  [[nodiscard]] std::int64_t stride(std::int64_t columns) const override { return columns; }
  void release() override { pairs_.release(); }

  ReusedBuffer<std::int32_t> pairs_;  ///< [rows · columns of a tile, 2]
};

}  // namespace

std::unique_ptr<GridStrategy> make_deep_head_grid(ScorerParts& parts) { return std::make_unique<DeepHeadGrid>(parts); }

}  // namespace twinpatch::cuda
