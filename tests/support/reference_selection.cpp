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
  Selected result;
  result.rows = scores.rows;
  result.columns = scores.columns;
  result.top_k = request.top_k;
  result.indices = Buffer<std::int32_t>(scores.rows * request.top_k);
  result.scores = Buffer<float>(scores.rows * request.top_k);
  for (std::int64_t i = 0; i < scores.rows; ++i) {
    const auto score = [&](std::int32_t j) { return scores.row(i)[static_cast<std::size_t>(j)]; };
    const std::vector<std::int32_t> order = ranking(scores.columns, score);
    for (std::int64_t k = 0; k < request.top_k; ++k) {
      const bool kept = k < scores.columns && score(order[static_cast<std::size_t>(k)]) >= request.threshold;
      result.indices[i * request.top_k + k] = kept ? order[static_cast<std::size_t>(k)] : -1;
      result.scores[i * request.top_k + k] = kept ? score(order[static_cast<std::size_t>(k)]) : kNone;
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
