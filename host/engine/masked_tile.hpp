// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "twinpatch/backend/backend.hpp"
#include "twinpatch/engine/grid_mask.hpp"

namespace twinpatch {

/// Grids of which a mask leaves little: what it leaves of a tile is scored as a list, on any device and by any network,
/// and selected here. A tile that it leaves nothing of is skipped.
class MaskedTiles {
 public:
  /// `scorer` and `mask` must outlive it. Throws InvalidArgument for a request of another size than the mask, or with
  /// segments.
  MaskedTiles(PairScorer& scorer, const GridMask& mask, const SelectionRequest& request);

  /// Throws NotFinite with the pair's place in the grid.
  void add(PlacedRows left, PlacedRows right, const RunControl& control);
  [[nodiscard]] Selected take() { return std::move(selected_); }

 private:
  void list_row(std::int64_t row, PlacedRows left, PlacedRows right);
  void score(PlacedRows left, PlacedRows right, const RunControl& control);
  void offer(std::int64_t row, std::int64_t column, float score);

  PairScorer& scorer_;
  const GridMask& mask_;
  SelectionRequest request_;
  Selected selected_;
  std::vector<IndexPair> pairs_;  ///< of a tile, by their numbers in its parts
  std::vector<float> scores_;
};

}  // namespace twinpatch
