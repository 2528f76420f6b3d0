// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "masked_tile.hpp"
#include "twinpatch/backend/backend.hpp"
#include "twinpatch/engine/engine.hpp"
#include "walked_side.hpp"

namespace twinpatch {

/// A grid that is to be walked: what its two sides are made of, and what a tile may take.
struct GridWalk {
  std::vector<RowSource> left;
  std::vector<RowSource> right;
  Backend::TileSize tile;        ///< most rows and columns of a tile, 1 ≤; rows that exist already may be more
  std::int64_t cache_bytes = 0;  ///< bound on right parts that are kept between left parts
};

/// Scores left × right in deterministic tiles, left parts outermost. A left part is made once; neighbouring right parts
/// that fit one tile are scored in one call. Where a device has no room for a part, the kept ones go, then parts are
/// halved: what is selected does not depend on it. Memory: a left part, a tile of right ones, the kept ones, the
/// selection. Calls control.advance() with pairs; a stop is checked between tiles. Sides of size 0: nothing happens.
void walk_grid(const GridWalk& grid, PairScorer& scorer, Selection& selection, const RunControl& control);

/// The same, of the pairs that a mask leaves.
void walk_grid(const GridWalk& grid, MaskedTiles& tiles, const RunControl& control);

/// The same, every score handed out tile by tile. Throws NotFinite with the pair's place in the grid.
void walk_grid(const GridWalk& grid, PairScorer& scorer, const TileSink& sink, const RunControl& control);

}  // namespace twinpatch
