// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "grid/row_grid.hpp"
#include "grid/strategies.hpp"

namespace twinpatch::cuda {
namespace {

/// Linear – ReLU – Linear(1): a kernel of our own on the projections of either side.
class HeadGrid final : public RowGrid {
 public:
  using RowGrid::RowGrid;

 private:
  void scores(const RowTile& tile, float* values) override {
    kernels::grid_tile(device()->stream(),
                       {.operation = kernels::PairOperation::head,
                        .left = tile.left.rows,
                        .right = tile.right.rows,
                        .length = parts().length,
                        .weights = parts().head->output_weights},
                       values, tile.stride);
  }
};

}  // namespace

std::unique_ptr<GridStrategy> make_head_grid(ScorerParts& parts) { return std::make_unique<HeadGrid>(parts); }

}  // namespace twinpatch::cuda
