// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>

#include "grid/gathered_rows.hpp"
#include "grid/grid_strategy.hpp"
#include "scorer_parts.hpp"
#include "transfer.hpp"

namespace twinpatch::cuda {

/// A tile of a grid of rows.
struct RowTile {
  RowBlock left, right;
  std::int64_t stride = 0;  ///< of its values
};
/// Where a tile begins in the grid.
struct TilePlace {
  std::int64_t row = 0;
  std::int64_t column = 0;
};

/// Grids of siamese networks, tile by tile. What a value of a tile is, and how it becomes a score, is the strategy's:
/// scores() and, for selections whose values pass through memory, bounds(); others select a tile themselves.
class RowGrid : public GridStrategy {
 public:
  explicit RowGrid(ScorerParts& parts);
  void select(PlacedRows left, std::span<const PlacedRows> right, DeviceSelection& selection,
              const RunControl& control) override;
  void write(const Rows& left, const Rows& right, ScoreMatrix out, const RunControl& control) override;

 protected:
  /// Scores of a tile, values[i * stride + j]; enqueued. Here by the kernel of metrics and two-layer heads, in fp32.
  virtual void scores(const RowTile& tile, float* values);
  /// Values of a tile that is selected from; `values` has room for padded_size() of its rows and of its columns.
  virtual void bounds(const RowTile& tile, float* values) { scores(tile, values); }
  /// How bounds become scores; none: they are.
  [[nodiscard]] virtual std::optional<kernels::Rescoring> rescoring(const RowTile& /*tile*/) const { return {}; }
  /// Columns from one row of bounds to the next.
  [[nodiscard]] virtual std::int64_t stride(std::int64_t columns) const { return padded_size(columns); }
  /// A tile into the selection; enqueued.
  virtual void select_tile(const RowTile& tile, TilePlace place, DeviceSelection& selection);
  /// Pairs of the largest tile.
  [[nodiscard]] virtual std::int64_t tile_pairs() const;
  /// Gives back memory that a call can do without.
  virtual void release() {}

  /// Runs what enqueues the values of a tile, timed; it moves `bytes`.
  void compute(std::int64_t pairs, std::int64_t bytes, const std::function<void()>& enqueue);
  /// Runs what enqueues the selection from them, timed; it reads `bytes`.
  void pick(std::int64_t bytes, const std::function<void()>& enqueue);

  [[nodiscard]] const std::shared_ptr<Device>& device() const { return parts_.device; }
  [[nodiscard]] ScorerParts& parts() const { return parts_; }

 private:
  void release_all();
  template <class Visit>
  void visit_tiles(RowBlock left, RowBlock right, std::int64_t most, const RunControl& control, const Visit& visit);
  void account(std::int64_t pairs);

  ScorerParts& parts_;
  GatheredRows gathered_;
  std::int64_t gathered_most_;  ///< rows of all parts of one block
  ReusedBuffer<float> values_;
  Delivery delivery_;
};

}  // namespace twinpatch::cuda
