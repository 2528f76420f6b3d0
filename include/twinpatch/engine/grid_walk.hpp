// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "twinpatch/backend/backend.hpp"

namespace twinpatch {

/// One side of a grid, made block by block so that a side larger than memory can be walked.
struct RowSource {
  std::int64_t size = 0;
  /// Rows [begin, begin + count). May be called several times for the same block.
  std::function<std::shared_ptr<const Rows>(std::int64_t begin, std::int64_t count)> make;
};

/// Walks left × right in deterministic tiles, row blocks outermost: each left block is made once, right blocks are
/// kept in a cache of `cache_bytes` between left blocks. Memory: one left block, the cached right blocks, the
/// selection. Calls `control.advance` with pairs. Sides of size 0 give an empty selection.
void walk_grid(const RowSource& left, const RowSource& right, Backend::TileSize tile, std::int64_t cache_bytes,
               PairScorer& scorer, Selection& selection, const RunControl& control);

/// The same, every score handed out: `sink(first_row, first_column, scores)` with scores [tile rows, tile columns].
using TileSink = std::function<void(std::int64_t first_row, std::int64_t first_column, MatrixView scores)>;
void walk_grid(const RowSource& left, const RowSource& right, Backend::TileSize tile, std::int64_t cache_bytes,
               PairScorer& scorer, const TileSink& sink, const RunControl& control);

}  // namespace twinpatch
