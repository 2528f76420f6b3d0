// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "grid_walk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <utility>

#include "twinpatch/core/checked.hpp"

namespace twinpatch {
namespace {

/// Right parts of a tile, and who keeps them alive.
struct TileColumns {
  std::vector<std::shared_ptr<const Rows>> rows;
  std::vector<PlacedRows> placed;
  std::int64_t count = 0;

  void add(std::shared_ptr<const Rows> part, std::int64_t first) {
    placed.push_back({part.get(), first});
    count += part->size();
    rows.push_back(std::move(part));
  }
  void clear() {
    rows.clear();
    placed.clear();
    count = 0;
  }
};

/// The part of `side` at `row`. Where the device has no room for it, what `keeper` keeps goes, then parts get smaller.
std::pair<std::shared_ptr<const Rows>, std::int64_t> take_part(WalkedSide& side, WalkedSide& keeper, std::int64_t row,
                                                               Direction direction) {
  bool forgotten = false;
  for (;;) {
    const WalkedSide::Part part = side.part(row, direction);
    try {
      return {side.rows(part), part.first};
    } catch (const OutOfMemory&) {
      if (!std::exchange(forgotten, true) && keeper.forget()) continue;
      if (part.count <= 1 || !side.halve()) throw;
    }
  }
}

/// The right parts from `done` rows on (counted from where the walk began this time) that fit one tile.
void take_columns(WalkedSide& right, std::int64_t done, Direction direction, TileColumns& columns) {
  columns.clear();
  const auto row_after = [&](std::int64_t count) {
    return direction == Direction::forwards ? count : right.size() - 1 - count;
  };
  auto [rows, first] = take_part(right, right, row_after(done), direction);
  columns.add(std::move(rows), first);
  while (done + columns.count < right.size()) {
    const WalkedSide::Part part = right.part(row_after(done + columns.count), direction);
    if (columns.count + part.count > right.most()) return;
    try {
      columns.add(right.rows(part), part.first);
    } catch (const OutOfMemory&) {
      return;  // the next tile begins with it
    }
  }
}

using TileVisitor = std::function<void(PlacedRows left, std::span<const PlacedRows> right)>;

void walk(const GridWalk& grid, const RunControl& control, const TileVisitor& visit) {
  if (grid.tile.rows < 1 || grid.tile.columns < 1) {
    throw InvalidArgument("tiles of a grid need at least one row and one column");
  }
  WalkedSide left(grid.left, grid.tile.rows, 0);
  WalkedSide right(grid.right, grid.tile.columns, grid.cache_bytes);
  if (right.size() == 0) return;
  TileColumns columns;
  // There and back again: what was used last is used first, so that a cache that does not hold all of the right side
  // still serves what it holds.
  Direction direction = Direction::forwards;
  for (std::int64_t row = 0; row < left.size();) {
    control.check();
    const auto [rows, first] = take_part(left, right, row, Direction::forwards);
    for (std::int64_t done = 0; done < right.size(); done += columns.count) {
      control.check();
      take_columns(right, done, direction, columns);
      visit({rows.get(), first}, columns.placed);
      control.advance(rows->size() * columns.count);
    }
    columns.clear();
    row += rows->size();
    direction = direction == Direction::forwards ? Direction::backwards : Direction::forwards;
  }
}

void check_finite(MatrixView scores, std::int64_t first_row, std::int64_t first_column) {
  for (std::int64_t i = 0; i < scores.rows; ++i) {
    const auto row = scores.row(i);
    const auto bad = std::find_if(row.begin(), row.end(), [](float score) { return !std::isfinite(score); });
    if (bad == row.end()) continue;
    const std::int64_t column = first_column + (bad - row.begin());
    throw NotFinite(
        fmt::format("the score of left patch {} and right patch {} is not finite ({})", first_row + i, column, *bad),
        IndexPair{static_cast<std::int32_t>(first_row + i), static_cast<std::int32_t>(column)}, *bad);
  }
}

}  // namespace

void walk_grid(const GridWalk& grid, PairScorer& scorer, Selection& selection, const RunControl& control) {
  walk(grid, control, [&](PlacedRows left, std::span<const PlacedRows> right) {
    scorer.score_tile(left, right, selection, control.quiet());
  });
}

void walk_grid(const GridWalk& grid, MaskedTiles& tiles, const RunControl& control) {
  walk(grid, control, [&](PlacedRows left, std::span<const PlacedRows> right) {
    for (const PlacedRows& part : right) tiles.add(left, part, control.quiet());
  });
}

void walk_grid(const GridWalk& grid, PairScorer& scorer, const TileSink& sink, const RunControl& control) {
  GridWalk bounded = grid;  // scores of one tile lie in memory: at most 64 MiB of them, unless rows exist already
  bounded.tile.rows = std::min<std::int64_t>(grid.tile.rows, 2048);
  bounded.tile.columns = std::min<std::int64_t>(grid.tile.columns, 8192);
  Buffer<float> scores;
  walk(bounded, control, [&](PlacedRows left, std::span<const PlacedRows> right) {
    for (const PlacedRows& part : right) {
      const std::int64_t count = checked_multiply(left.rows->size(), part.rows->size());
      if (scores.size() < count) scores = Buffer<float>(count);
      const MatrixView tile{scores.data(), left.rows->size(), part.rows->size()};
      scorer.score_block(*left.rows, *part.rows, scores.data(), tile.columns, control.quiet());
      check_finite(tile, left.first, part.first);
      sink(left.first, part.first, tile);
    }
  });
}

}  // namespace twinpatch
