// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/engine/two_stage_match.hpp"

#include <algorithm>

#include "twinpatch/core/error.hpp"
#include "twinpatch/engine/select_scored.hpp"

namespace twinpatch {
namespace {

/// Pairs of a row that are scored at a time: bounds what a selection holds of all that a mask leaves.
constexpr std::int64_t kAtOnce = 64;

/// Of what the mask leaves of each row the columns number `begin` to `begin + kAtOnce`.
GridMask part_of(const GridMask& mask, std::int64_t begin) {
  GridMask part(mask.columns());
  std::vector<ColumnInterval> row;
  for (std::int64_t i = 0; i < mask.rows(); ++i) {
    row.clear();
    std::int64_t before = 0;
    for (const auto [first, last] : mask.row(i)) {
      const std::int64_t low = std::max<std::int64_t>(first, first + begin - before);
      const std::int64_t high = std::min<std::int64_t>(last, first + begin + kAtOnce - before);
      if (low < high) row.push_back({static_cast<std::int32_t>(low), static_cast<std::int32_t>(high)});
      before += last - first;
    }
    part.add_row(row);
  }
  return part;
}

/// Everything that a grid kept.
struct Listed {
  std::vector<IndexPair> pairs;
  std::vector<float> scores;
};
Listed listed(const Selected& kept) {
  Listed all;
  for (std::int64_t at = 0; at < kept.rows * kept.top_k; ++at) {
    if (kept.indices[at] < 0) continue;
    all.pairs.push_back({static_cast<std::int32_t>(at / kept.top_k), kept.indices[at]});
    all.scores.push_back(kept.scores[at]);
  }
  return all;
}

}  // namespace

std::vector<IndexPair> patch_pairs(std::span<const IndexPair> pairs, std::span<const std::int32_t> left_numbers,
                                   std::span<const std::int32_t> right_numbers) {
  std::vector<IndexPair> result(pairs.begin(), pairs.end());
  for (IndexPair& pair : result) {
    if (!left_numbers.empty()) pair.left = left_numbers[static_cast<std::size_t>(pair.left)];
    if (!right_numbers.empty()) pair.right = right_numbers[static_cast<std::size_t>(pair.right)];
  }
  return result;
}

std::vector<Match> match_in_two_stages(const TwoStages& stages, const TwoStageSide& left, const TwoStageSide& right,
                                       const GridMask& mask, const RunControl& control) {
  if (stages.kept.ratio) throw InvalidArgument("a ratio test needs distances; the sum of two stages is none");
  const GridOptions options{.column_best = stages.kept.mutual, .threshold = stages.kept.threshold};
  ScoredSelection best(left.rows.size, right.rows.size, options);
  for (std::int64_t begin = 0;; begin += kAtOnce) {
    const GridMask part = part_of(mask, begin);
    if (begin > 0 && part.pairs() == 0) break;
    const Selected kept =
        stages.first.grid(left.rows, right.rows, part, {.top_k = static_cast<int>(kAtOnce)}, control.quiet());
    const auto [pairs, similarities] = listed(kept);
    const auto network = stages.second.score(left.patches, right.patches,
                                             patch_pairs(pairs, left.numbers, right.numbers), control.quiet());
    best.offer(pairs, two_stage_scores(stages.rule, similarities, network));
  }
  return matches(best.take(), stages.kept);
}

}  // namespace twinpatch
