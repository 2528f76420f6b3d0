// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "grid/selection.hpp"
#include "plan/context.hpp"
#include "twinpatch/backend/backend.hpp"

// How grids of pairs are scored: a strategy for each kind of decision, one file each, chosen in one table
// (strategies.cpp). A new one is its file and a row of that table.

namespace twinpatch::cpu {

/// Left rows against the right rows of all parts, each with its place in the grid.
struct GridTile {
  PlacedRows left;
  std::span<const PlacedRows> right;
};

/// Scores in memory: scores[i * stride + j] of left row i and right row j.
struct ScoreMatrix {
  float* scores = nullptr;
  std::int64_t stride = 0;
};

/// Scores tiles of a grid, on all threads of the context's pool. One call at a time.
class GridStrategy {
 public:
  virtual ~GridStrategy() = default;
  /// Puts the best scores of a tile into the selection. Throws InvalidArgument for rows of another backend or side and
  /// for parts outside the grid, NotFinite with the pair.
  virtual void select(const GridTile& tile, CpuSelection& selection, const RunControl& control) = 0;
  /// Writes every score, as computed. Throws InvalidArgument likewise.
  virtual void write(const Rows& left, const Rows& right, ScoreMatrix out, const RunControl& control) = 0;
};

/// One row of the table. `model` has its batch normalisations folded.
struct GridStrategyEntry {
  const char* decision;  ///< that it is for, in words
  bool (*fits)(const Model& model, const CpuContext& context);
  /// Throws InvalidArgument for a model without the weights of its decision.
  std::unique_ptr<GridStrategy> (*make)(std::shared_ptr<CpuContext> context, std::shared_ptr<const Model> model);
  /// Rows per side of one tile that keep a grid within `memory` bytes.
  Backend::TileSize (*tile_size)(const Model& model, Extent patch, std::int64_t memory);
};

/// The strategies there are; the first that fits is taken.
[[nodiscard]] std::span<const GridStrategyEntry> grid_strategies();
/// Throws InvalidArgument where none fits.
[[nodiscard]] const GridStrategyEntry& choose_grid(const Model& model, const CpuContext& context,
                                                   std::span<const GridStrategyEntry> table);

// The strategies: metric.cpp, two_layer_head.cpp, deep_head.cpp, two_channel.cpp; and the first two screened, which
// keep bit for bit the same: screened_metric.cpp, screened_head.cpp.
[[nodiscard]] std::unique_ptr<GridStrategy> make_screened_metric_grid(std::shared_ptr<CpuContext> context,
                                                                      std::shared_ptr<const Model> model);
[[nodiscard]] std::unique_ptr<GridStrategy> make_screened_head_grid(std::shared_ptr<CpuContext> context,
                                                                    std::shared_ptr<const Model> model);
[[nodiscard]] std::unique_ptr<GridStrategy> make_metric_grid(std::shared_ptr<CpuContext> context,
                                                             std::shared_ptr<const Model> model);
[[nodiscard]] std::unique_ptr<GridStrategy> make_two_layer_head_grid(std::shared_ptr<CpuContext> context,
                                                                     std::shared_ptr<const Model> model);
[[nodiscard]] std::unique_ptr<GridStrategy> make_deep_head_grid(std::shared_ptr<CpuContext> context,
                                                                std::shared_ptr<const Model> model);
[[nodiscard]] std::unique_ptr<GridStrategy> make_two_channel_grid(std::shared_ptr<CpuContext> context,
                                                                  std::shared_ptr<const Model> model);
[[nodiscard]] Backend::TileSize siamese_tile_size(const Model& model, Extent patch, std::int64_t memory);
[[nodiscard]] Backend::TileSize two_channel_tile_size(const Model& model, Extent patch, std::int64_t memory);

}  // namespace twinpatch::cpu
