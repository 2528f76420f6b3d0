// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "grid/row_grid.hpp"
#include "kernels/slabs.hpp"

namespace twinpatch::cuda {

/// Grids whose values never lie in memory: a kernel on tensor cores leaves, of each row and column in each 128 of the
/// other side, the best pairs and a bound on all others (kernels/slabs.hpp). Values are of half precision in every run.
/// Pairs that may be kept are scored again, so what is kept is what the library's strategies keep in fp32, bit for bit.
class SlabGrid : public RowGrid {
 public:
  explicit SlabGrid(ScorerParts& parts) : RowGrid(parts), summaries_(parts.device) {}

 protected:
  /// How values bound scores: all of a tile but its rows and segments. slack, margin, offset and largest are asked for.
  [[nodiscard]] virtual kernels::SlabTile bounds() const = 0;
  virtual void summarise(const kernels::SlabTile& tile, kernels::Summaries summaries) = 0;

 private:
  [[nodiscard]] std::int64_t tile_pairs() const override;
  void select_tile(const RowTile& tile, TilePlace place, DeviceSelection& selection) override;
  void release() override { summaries_.release(); }

  ReusedBuffer<float> summaries_;
};

/// What sums of `length` terms on tensor cores add to slack: 17 terms are cut off at the 24th bit of the largest one,
/// once every 16 k, or 9 every 8.
[[nodiscard]] constexpr double tensor_core_slack(std::int64_t length) {
  return static_cast<double>(length + 16) * 0x1p-22;
}

}  // namespace twinpatch::cuda
