// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/engine/grid_walk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "twinpatch/core/checked.hpp"
#include "twinpatch/engine/row_cache.hpp"

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

/// One side of a walk: blocks of at most `block` rows, halved whenever there is no memory for one.
struct WalkedSide {
  const RowSource& source;
  std::int64_t block;

  /// Block [begin, end) by `make(begin, count)`, or a smaller one from its beginning (`from_end`: up to its end) where
  /// the device has no room for so many rows; `release()` lets go of what is not needed.
  template <class Make, class Release>
  std::pair<std::int64_t, std::shared_ptr<const Rows>> rows(std::int64_t begin, std::int64_t end, bool from_end,
                                                            const Make& make, const Release& release) {
    bool released = false;
    for (;;) {
      const std::int64_t count = std::min(block, end - begin);
      // Blocks begin at multiples of the block, so that a cache knows them again on the way back.
      const std::int64_t first = from_end ? std::max(begin, (end - 1) / block * block) : begin;
      const std::int64_t most = from_end ? end - first : std::min(count, block - begin % block);
      try {
        return {first, make(first, most)};
      } catch (const OutOfMemory&) {
        if (!std::exchange(released, true) && release()) continue;
        if (most <= 1) throw;
        block = std::max<std::int64_t>(1, block / 2);
      }
    }
  }
};

void walk(const RowSource& left, const RowSource& right, Backend::TileSize tile, std::int64_t cache_bytes,
          const RunControl& control, const TileVisitor& visit) {
  if (left.size == 0 || right.size == 0) return;
  if (tile.rows < 1 || tile.columns < 1) throw InvalidArgument("tiles of a grid need at least one row and one column");
  std::optional<DescriptorCache> cache(cache_bytes);
  const auto release = [&] {  // what is kept for the way back
    const bool held = cache->statistics().bytes > 0;
    cache.emplace(cache_bytes);
    return held;
  };
  WalkedSide rows{left, tile.rows};
  WalkedSide columns{right, tile.columns};
  bool forwards = true;
  for (std::int64_t first_row = 0; first_row < left.size;) {
    control.check();
    const auto make_left = [&](std::int64_t begin, std::int64_t count) { return make_rows(left, begin, count); };
    const auto left_rows = rows.rows(first_row, left.size, false, make_left, release).second;
    // There and back again: what was used last is used first, so that a cache that does not hold all of the right side
    // still serves what it holds.
    for (std::int64_t begin = 0, end = right.size; begin < end;) {
      control.check();
      const auto make_right = [&](std::int64_t first, std::int64_t count) {
        return cache->get(fmt::format("{}+{}", first, count), [&] { return make_rows(right, first, count); });
      };
      const auto [first_column, right_rows] = columns.rows(begin, end, !forwards, make_right, release);
      visit(*left_rows, first_row, *right_rows, first_column);
      control.advance(left_rows->size() * right_rows->size());
      if (forwards) {
        begin = first_column + right_rows->size();
      } else {
        end = first_column;
      }
    }
    first_row += left_rows->size();
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
         scorer.score_tile({&left_rows, first_row}, {&right_rows, first_column}, selection, inner);
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
