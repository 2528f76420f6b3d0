// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>
#include <numeric>

#include "support/reference.hpp"

namespace twinpatch::reference {
namespace {

/// 0 … count − 1 by descending `score(i)`, ties by lower index.
template <class Score>
std::vector<std::int32_t> ranking(std::int64_t count, const Score& score) {
  std::vector<std::int32_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) { return score(a) > score(b); });
  return order;
}

}  // namespace

Selected select(MatrixView scores, const SelectionRequest& request) {
  constexpr float kNone = -std::numeric_limits<float>::infinity();
  const std::int64_t segments = request.segment_count();
  Selected result;
  result.rows = scores.rows;
  result.columns = scores.columns;
  result.top_k = request.top_k;
  result.segments = request.segments;
  result.indices = Buffer<std::int32_t>(segments * scores.rows * request.top_k);
  result.scores = Buffer<float>(segments * scores.rows * request.top_k);
  std::int64_t at = 0;
  for (std::int64_t s = 0; s < segments; ++s) {
    const std::int64_t first = request.segment_begin(s);
    const std::int64_t columns = request.segment_begin(s + 1) - first;
    for (std::int64_t i = 0; i < scores.rows; ++i) {
      const auto score = [&](std::int32_t j) { return scores.row(i)[static_cast<std::size_t>(first + j)]; };
      const std::vector<std::int32_t> order = ranking(columns, score);
      for (std::int64_t k = 0; k < request.top_k; ++k, ++at) {
        const bool kept = k < columns && score(order[static_cast<std::size_t>(k)]) >= request.threshold;
        result.indices[at] = kept ? order[static_cast<std::size_t>(k)] : -1;
        result.scores[at] = kept ? score(order[static_cast<std::size_t>(k)]) : kNone;
      }
    }
  }
  if (!request.column_best) return result;
  result.column_indices = Buffer<std::int32_t>(scores.columns);
  result.column_scores = Buffer<float>(scores.columns);
  for (std::int64_t j = 0; j < scores.columns; ++j) {
    const auto score = [&](std::int32_t i) { return scores.row(i)[static_cast<std::size_t>(j)]; };
    const std::vector<std::int32_t> order = ranking(scores.rows, score);
    result.column_indices[j] = order.empty() ? -1 : order[0];
    result.column_scores[j] = order.empty() ? kNone : score(order[0]);
  }
  return result;
}

std::vector<Match> mutual_best(MatrixView scores, float threshold) {
  const Selected best =
      select(scores,
             {.rows = scores.rows, .columns = scores.columns, .top_k = 1, .column_best = true, .threshold = threshold});
  std::vector<Match> result;
  for (std::int64_t i = 0; i < scores.rows; ++i) {
    const std::int32_t j = best.indices[i];
    if (j >= 0 && best.column_indices[j] == i) result.push_back({static_cast<std::int32_t>(i), j, best.scores[i]});
  }
  return result;
}

}  // namespace twinpatch::reference
