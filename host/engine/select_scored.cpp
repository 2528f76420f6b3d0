// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/engine/select_scored.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "twinpatch/backend/empty_selection.hpp"

namespace twinpatch {
namespace {

/// Higher score first, ties by lower index: the order of every selection.
bool ranks_before(float score, std::int32_t index, float other_score, std::int32_t other) {
  return other < 0 || score > other_score || (score == other_score && index < other);
}

}  // namespace

ScoredSelection::ScoredSelection(std::int64_t rows, std::int64_t columns, const GridOptions& options)
    : options_(options),
      selected_(empty_selection({rows, columns, options.top_k, options.column_best, options.threshold})) {}

void ScoredSelection::offer(IndexPair pair, float score) {
  const auto [row, column] = pair;
  if (!std::isfinite(score)) {
    throw NotFinite(fmt::format("the score of left patch {} and right patch {} is not finite ({})", row, column, score),
                    pair, score);
  }
  if (options_.column_best &&
      ranks_before(score, row, selected_.column_scores[column], selected_.column_indices[column])) {
    selected_.column_scores[column] = score;
    selected_.column_indices[column] = row;
  }
  if (score < options_.threshold) return;
  const std::int64_t top_k = options_.top_k;
  float* const scores = selected_.scores.data() + row * top_k;
  std::int32_t* const indices = selected_.indices.data() + row * top_k;
  std::int64_t place = top_k;
  while (place > 0 && ranks_before(score, column, scores[place - 1], indices[place - 1])) --place;
  if (place == top_k) return;
  std::copy_backward(scores + place, scores + top_k - 1, scores + top_k);
  std::copy_backward(indices + place, indices + top_k - 1, indices + top_k);
  scores[place] = score;
  indices[place] = column;
}

void ScoredSelection::offer(std::span<const IndexPair> pairs, std::span<const float> scores) {
  for (std::size_t n = 0; n < pairs.size(); ++n) offer(pairs[n], scores[n]);
}

Selected select_scored(const ScoredPairs& scored, const GridOptions& options) {
  ScoredSelection selection(scored.rows, scored.columns, options);
  selection.offer(scored.pairs, scored.scores);
  return selection.take();
}

}  // namespace twinpatch
