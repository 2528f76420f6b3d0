// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "grid/slab_grid.hpp"

#include <algorithm>

namespace twinpatch::cuda {

std::int64_t SlabGrid::tile_pairs() const {
  // Summaries take about a sixth of a byte a pair where segments are long.
  constexpr std::int64_t kMost = std::int64_t{1} << 30;
  return std::clamp<std::int64_t>(device()->context.pool().bound() / 4, 1, kMost);
}

void SlabGrid::select_tile(const RowTile& tile, TilePlace place, DeviceSelection& selection) {
  const std::int64_t rows = tile.left.rows.count;
  const std::int64_t columns = tile.right.rows.count;
  const kernels::SelectionKeys keys = selection.keys(place.column, columns);
  kernels::SlabTile slabs = bounds();
  slabs.left = {tile.left.operand, tile.left.norms, tile.left.rows};
  slabs.right = {tile.right.operand, tile.right.norms, tile.right.rows};
  slabs.length = tile.left.operand_bytes / size_of(device()->search_type());
  slabs.row_length = parts().length;
  slabs.first_row = place.row;
  slabs.segments = {.begins = keys.segment_begins != nullptr ? keys.segment_begins + keys.first_segment : nullptr,
                    .count = keys.tile_segments,
                    .first_column = place.column,
                    .columns = columns};
  const std::int64_t of_rows = kernels::row_summary_size(rows, columns, keys.tile_segments);
  const std::int64_t of_columns = keys.columns != nullptr ? kernels::column_summary_size(rows, columns) : 0;
  float* const summaries = summaries_.at_least(checked_add(of_rows, of_columns));
  const kernels::Summaries to{.rows = summaries, .columns = of_columns > 0 ? summaries + of_rows : nullptr};
  const std::int64_t bytes = static_cast<std::int64_t>(sizeof(float)) * (of_rows + of_columns);
  compute(rows * columns, bytes, [&] { summarise(slabs, to); });
  pick(2 * bytes, [&] { kernels::select_slabs(device()->stream(), parts().operation, slabs, to, keys); });
}

}  // namespace twinpatch::cuda
