// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "grid/row_grid.hpp"

#include <algorithm>

#include "runtime/nvtx.hpp"

namespace twinpatch::cuda {
namespace {

/// Scores of a tile that are in memory at once.
constexpr std::int64_t kTileScores = std::int64_t{1} << 27;
constexpr std::int64_t kTileColumns = 16384;
constexpr auto kFloatBytes = static_cast<std::int64_t>(sizeof(float));

/// The first of the parts that stand next to each other in the grid, `most` rows at most or one part.
std::span<const PlacedRows> first_run(std::span<const PlacedRows> parts, std::int64_t most) {
  std::size_t count = 1;
  std::int64_t rows = parts[0].rows->size();
  for (; count < parts.size(); ++count) {
    const PlacedRows& next = parts[count];
    if (next.first != parts[0].first + rows || rows + next.rows->size() > most) break;
    rows += next.rows->size();
  }
  return parts.first(count);
}

}  // namespace

RowGrid::RowGrid(ScorerParts& parts)
    : parts_(parts),
      gathered_(parts.device),
      gathered_most_(parts.device->context.pool().bound() / 8 / (parts.length * 8)),
      values_(parts.device),
      delivery_(parts.device) {}

std::int64_t RowGrid::tile_pairs() const {
  return std::clamp<std::int64_t>(device()->context.pool().bound() / 4 / kFloatBytes / 4, 1, kTileScores);
}

void RowGrid::scores(const RowTile& tile, float* values) {
  kernels::grid_tile(device()->stream(),
                     {.operation = parts_.operation,
                      .left = tile.left.rows,
                      .right = tile.right.rows,
                      .length = parts_.length,
                      .weights = parts_.head ? parts_.head->output_weights : nullptr},
                     values, tile.stride);
}

void RowGrid::release_all() {
  parts_.release();
  release();
  gathered_.release();
  gathered_most_ /= 2;
  values_.release();
  delivery_.start();
}

/// Tiles that cover left × right, whose values take `most` floats at most: visit(tile, first row, first column).
template <class Visit>
void RowGrid::visit_tiles(RowBlock left, RowBlock right, std::int64_t most, const RunControl& control,
                          const Visit& visit) {
  const std::int64_t columns = std::min({right.rows.count, kTileColumns, most});
  const std::int64_t fit = std::max<std::int64_t>(1, most / padded_size(columns));
  const std::int64_t rows = std::min(left.rows.count, fit);
  for (std::int64_t row = 0; row < left.rows.count; row += rows) {
    for (std::int64_t column = 0; column < right.rows.count; column += columns) {
      control.check();
      device()->profile.next_batch();
      visit(RowTile{.left = left.slice(row, std::min(rows, left.rows.count - row)),
                    .right = right.slice(column, std::min(columns, right.rows.count - column))},
            TilePlace{row, column});
    }
  }
}

void RowGrid::compute(std::int64_t pairs, std::int64_t bytes, const std::function<void()>& enqueue) {
  static const RangeName kTile(Stage::compute, "score_tile");
  const Range range(kTile, {.pairs = pairs, .bytes = bytes});
  device()->computing.begin(device()->stream());
  enqueue();
  device()->computing.end(device()->stream());
  device()->statistics.add(Stage::compute, 0, bytes);
}

void RowGrid::pick(std::int64_t bytes, const std::function<void()>& enqueue) {
  device()->selecting.begin(device()->stream());
  enqueue();
  device()->selecting.end(device()->stream());
  device()->statistics.add(Stage::select, 0, bytes);
}

void RowGrid::account(std::int64_t pairs) {
  device()->statistics.add_pairs(pairs, parts_.operations() * static_cast<double>(pairs));
}

void RowGrid::select(PlacedRows left, std::span<const PlacedRows> right, DeviceSelection& selection,
                     const RunControl& control) {
  const RowBlock rows = static_cast<const SiameseRows&>(*left.rows).block();
  with_less_memory(
      tile_pairs(),
      [&](std::int64_t most) {
        for (auto rest = right; !rest.empty();) {
          const auto run = first_run(rest, gathered_most_);
          visit_tiles(rows, gathered_.gather(run), most, control, [&](RowTile tile, TilePlace place) {
            select_tile(tile, {left.first + place.row, run[0].first + place.column}, selection);
          });
          rest = rest.subspan(run.size());
        }
      },
      [&] { release_all(); });
  // Kept for the next call, unless that is much.
  if (values_.bytes() > device()->context.pool().bound() / 16) values_.release();
  std::int64_t pairs = 0;
  for (const PlacedRows& part : right) pairs += rows.rows.count * part.rows->size();
  account(pairs);
}

void RowGrid::select_tile(const RowTile& shape, TilePlace place, DeviceSelection& selection) {
  RowTile tile = shape;
  tile.stride = stride(tile.right.rows.count);
  float* const values = values_.at_least(checked_multiply(padded_size(tile.left.rows.count), tile.stride));
  const std::int64_t pairs = tile.left.rows.count * tile.right.rows.count;
  compute(pairs, kFloatBytes * pairs, [&] { bounds(tile, values); });
  const auto exact = rescoring(tile);
  pick((selection.request().column_best ? 2 : 1) * kFloatBytes * pairs, [&] {
    selection.take({.values = values,
                    .stride = tile.stride,
                    .rows = tile.left.rows.count,
                    .columns = tile.right.rows.count,
                    .first_row = place.row,
                    .first_column = place.column},
                   exact ? &*exact : nullptr);
  });
}

void RowGrid::write(const Rows& left, const Rows& right, ScoreMatrix out, const RunControl& control) {
  constexpr std::int64_t kWritten = std::int64_t{1} << 22;  // scores a pinned slot holds
  const RowBlock rows = static_cast<const SiameseRows&>(left).block();
  const RowBlock columns = static_cast<const SiameseRows&>(right).block();
  with_less_memory(
      std::min(tile_pairs(), kWritten),
      [&](std::int64_t most) {
        delivery_.start();
        visit_tiles(rows, columns, most, control, [&](RowTile tile, TilePlace place) {
          tile.stride = tile.right.rows.count;
          const std::int64_t pairs = tile.left.rows.count * tile.stride;
          float* const values = values_.at_least(pairs);
          compute(pairs, kFloatBytes * pairs, [&] { scores(tile, values); });
          delivery_.take(values, tile.left.rows.count, tile.stride * kFloatBytes,
                         out.scores + place.row * out.stride + place.column, out.stride * kFloatBytes);
        });
        delivery_.finish();
        device()->finish();
      },
      [&] { release_all(); });
  account(left.size() * right.size());
}

}  // namespace twinpatch::cuda
