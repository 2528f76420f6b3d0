// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "twinpatch/engine/engine.hpp"
#include "twinpatch/engine/two_stage.hpp"

namespace twinpatch {

/// Two networks, how their scores are added, and which of the sums are matches (no ratio: a sum is no distance).
struct TwoStages {
  Engine& first;
  Engine& second;
  TwoStageRule rule;
  MatchRules kept;
};

/// One side of what two networks compare. Views: the caller keeps the data alive.
struct TwoStageSide {
  const RowChunks& rows;                       ///< of the first network
  PatchView patches;                           ///< which the second one sees
  std::span<const std::int32_t> numbers = {};  ///< the patch of each row; empty: row i is patch i
};

/// Both networks score every pair that the mask leaves, rows × rows: all of these are candidates, not only the
/// nearest (TwoStageRule::candidates). Best and mutual best are by the sum. Matches are by rows. Memory: 20 bytes for
/// each of 64 columns a row. Throws what Engine::grid() with a mask and Engine::score() do, InvalidArgument for a
/// ratio.
[[nodiscard]] std::vector<Match> match_in_two_stages(const TwoStages& stages, const TwoStageSide& left,
                                                     const TwoStageSide& right, const GridMask& mask,
                                                     const RunControl& control = {});

/// The pairs by their numbers among patches.
[[nodiscard]] std::vector<IndexPair> patch_pairs(std::span<const IndexPair> pairs,
                                                 std::span<const std::int32_t> left_numbers,
                                                 std::span<const std::int32_t> right_numbers);

}  // namespace twinpatch
