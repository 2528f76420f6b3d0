// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "masked_tile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "twinpatch/backend/empty_selection.hpp"

namespace twinpatch {
namespace {

/// Pairs that are listed at a time: 12 MiB with their scores.
constexpr std::size_t kListed = std::size_t{1} << 20;

/// Higher score first, ties by lower index: the order of every selection.
bool ranks_before(float score, std::int64_t index, float other_score, std::int32_t other) {
  return other < 0 || score > other_score || (score == other_score && index < other);
}

}  // namespace

MaskedTiles::MaskedTiles(PairScorer& scorer, const GridMask& mask, const SelectionRequest& request)
    : scorer_(scorer), mask_(mask), request_(request), selected_(empty_selection(request)) {
  if (mask.rows() != request.rows || mask.columns() != request.columns) {
    throw InvalidArgument(fmt::format("a mask of {} × {} pairs for a grid of {} × {}", mask.rows(), mask.columns(),
                                      request.rows, request.columns));
  }
  if (!request.segments.empty()) throw InvalidArgument("a grid with a mask has one right set");
}

void MaskedTiles::add(PlacedRows left, PlacedRows right, const RunControl& control) {
  for (std::int64_t i = 0; i < left.rows->size(); ++i) {
    list_row(i, left, right);
    if (pairs_.size() >= kListed) score(left, right, control);
  }
  score(left, right, control);
}

/// What the mask leaves of row i of the left part.
void MaskedTiles::list_row(std::int64_t row, PlacedRows left, PlacedRows right) {
  const std::int64_t end = right.first + right.rows->size();
  const auto intervals = mask_.row(left.first + row);
  auto at = std::ranges::partition_point(intervals,
                                         [&](const ColumnInterval& interval) { return interval.end <= right.first; });
  for (; at != intervals.end() && at->begin < end; ++at) {
    const std::int64_t last = std::min<std::int64_t>(at->end, end);
    for (std::int64_t j = std::max<std::int64_t>(at->begin, right.first); j < last; ++j) {
      pairs_.push_back({static_cast<std::int32_t>(row), static_cast<std::int32_t>(j - right.first)});
    }
  }
}

void MaskedTiles::score(PlacedRows left, PlacedRows right, const RunControl& control) {
  if (pairs_.empty()) return;
  scores_.resize(pairs_.size());
  scorer_.score_list(*left.rows, *right.rows, pairs_, scores_, control);
  for (std::size_t n = 0; n < pairs_.size(); ++n) {
    offer(left.first + pairs_[n].left, right.first + pairs_[n].right, scores_[n]);
  }
  pairs_.clear();
}

void MaskedTiles::offer(std::int64_t row, std::int64_t column, float score) {
  if (!std::isfinite(score)) {
    throw NotFinite(fmt::format("the score of left patch {} and right patch {} is not finite ({})", row, column, score),
                    IndexPair{static_cast<std::int32_t>(row), static_cast<std::int32_t>(column)}, score);
  }
  if (request_.column_best &&
      ranks_before(score, row, selected_.column_scores[column], selected_.column_indices[column])) {
    selected_.column_scores[column] = score;
    selected_.column_indices[column] = static_cast<std::int32_t>(row);
  }
  if (score < request_.threshold) return;
  float* const scores = selected_.scores.data() + row * request_.top_k;
  std::int32_t* const indices = selected_.indices.data() + row * request_.top_k;
  std::int64_t place = request_.top_k;
  while (place > 0 && ranks_before(score, column, scores[place - 1], indices[place - 1])) --place;
  if (place == request_.top_k) return;
  std::copy_backward(scores + place, scores + request_.top_k - 1, scores + request_.top_k);
  std::copy_backward(indices + place, indices + request_.top_k - 1, indices + request_.top_k);
  scores[place] = score;
  indices[place] = static_cast<std::int32_t>(column);
}

}  // namespace twinpatch
