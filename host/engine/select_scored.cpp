// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/engine/select_scored.hpp"

#include <algorithm>
#include <vector>

#include "twinpatch/backend/empty_selection.hpp"

namespace twinpatch {

Selected select_scored(const ScoredPairs& scored, const GridOptions& options) {
  const auto& [pairs, scores, rows, columns] = scored;
  Selected selected = empty_selection({rows, columns, options.top_k, options.column_best, options.threshold});
  std::vector<std::size_t> order(pairs.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto before = [&pairs = pairs, &scores = scores](std::size_t a, std::size_t b) {
    if (pairs[a].left != pairs[b].left) return pairs[a].left < pairs[b].left;
    if (scores[a] != scores[b]) return scores[a] > scores[b];
    return pairs[a].right < pairs[b].right;
  };
  std::sort(order.begin(), order.end(), before);
  std::int64_t kept = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::int32_t row = pairs[order[i]].left;
    if (i == 0 || row != pairs[order[i - 1]].left) kept = 0;
    if (kept == options.top_k || scores[order[i]] < options.threshold) continue;
    selected.indices[row * options.top_k + kept] = pairs[order[i]].right;
    selected.scores[row * options.top_k + kept] = scores[order[i]];
    ++kept;
  }
  if (!options.column_best) return selected;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const std::int32_t column = pairs[i].right;
    if (selected.column_indices[column] >= 0 && scores[i] <= selected.column_scores[column]) continue;
    selected.column_indices[column] = pairs[i].left;
    selected.column_scores[column] = scores[i];
  }
  return selected;
}

}  // namespace twinpatch
