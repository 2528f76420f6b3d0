// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/score/pair_grid.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "twinpatch/cache/descriptor_cache.hpp"
#include "twinpatch/core/checked.hpp"

namespace twinpatch {
namespace {

/// What a walk does with one tile.
using TileVisitor =
    std::function<void(const Rows& left, std::int64_t first_row, const Rows& right, std::int64_t first_column)>;

std::shared_ptr<const Rows> make_rows(const RowSource& source, std::int64_t begin, std::int64_t count) {
  auto rows = source.make(begin, count);
  if (rows == nullptr || rows->size() != count) {
    throw InvalidArgument(fmt::format("a source of rows gave {} rows for [{}, {})", rows == nullptr ? 0 : rows->size(),
                                      begin, begin + count));
  }
  return rows;
}

void walk(const RowSource& left, const RowSource& right, Backend::TileSize tile, std::int64_t cache_bytes,
          const RunControl& control, const TileVisitor& visit) {
  if (left.size == 0 || right.size == 0) return;
  if (tile.rows < 1 || tile.columns < 1) throw InvalidArgument("tiles of a grid need at least one row and one column");
  DescriptorCache cache(cache_bytes);
  const std::int64_t blocks = ceil_divide(right.size, tile.columns);
  bool forwards = true;
  for (std::int64_t first_row = 0; first_row < left.size; first_row += tile.rows) {
    control.check();
    const auto left_rows = make_rows(left, first_row, std::min(tile.rows, left.size - first_row));
    // There and back again: what was used last is used first, so that a cache that does not hold all of the right side
    // still serves what it holds.
    for (std::int64_t n = 0; n < blocks; ++n) {
      control.check();
      const std::int64_t first_column = (forwards ? n : blocks - 1 - n) * tile.columns;
      const std::int64_t count = std::min(tile.columns, right.size - first_column);
      const auto right_rows =
          cache.get(std::to_string(first_column), [&] { return make_rows(right, first_column, count); });
      visit(*left_rows, first_row, *right_rows, first_column);
      control.advance(left_rows->size() * count);
    }
    forwards = !forwards;
  }
}

void check_finite(MatrixView scores, std::int64_t first_row, std::int64_t first_column) {
  for (std::int64_t i = 0; i < scores.rows; ++i) {
    const auto row = scores.row(i);
    const auto bad = std::find_if(row.begin(), row.end(), [](float score) { return !std::isfinite(score); });
    if (bad != row.end()) {
      throw NotFinite(fmt::format("the score of left patch {} and right patch {} is not finite ({})", first_row + i,
                                  first_column + (bad - row.begin()), *bad));
    }
  }
}

}  // namespace

void walk_grid(const RowSource& left, const RowSource& right, Backend::TileSize tile, std::int64_t cache_bytes,
               PairScorer& scorer, Selection& selection, const RunControl& control) {
  const RunControl inner{control.stop, nullptr};
  walk(left, right, tile, cache_bytes, control,
       [&](const Rows& left_rows, std::int64_t first_row, const Rows& right_rows, std::int64_t first_column) {
         scorer.score_tile(left_rows, first_row, right_rows, first_column, selection, inner);
       });
}

void walk_grid(const RowSource& left, const RowSource& right, Backend::TileSize tile, std::int64_t cache_bytes,
               PairScorer& scorer, const TileSink& sink, const RunControl& control) {
  // Scores of one tile lie in memory: at most 64 MiB of them.
  tile.rows = std::min<std::int64_t>(tile.rows, 2048);
  tile.columns = std::min<std::int64_t>(tile.columns, 8192);
  const RunControl inner{control.stop, nullptr};
  Buffer<float> scores(std::min(tile.rows, left.size) * std::min(tile.columns, right.size));
  walk(left, right, tile, cache_bytes, control,
       [&](const Rows& left_rows, std::int64_t first_row, const Rows& right_rows, std::int64_t first_column) {
         const MatrixView view{scores.data(), left_rows.size(), right_rows.size()};
         scorer.score_block(left_rows, right_rows, scores.data(), view.columns, inner);
         check_finite(view, first_row, first_column);
         sink(first_row, first_column, view);
       });
}

}  // namespace twinpatch
