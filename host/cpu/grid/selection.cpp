// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "grid/selection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "cpu_internal.hpp"
#include "kernels/grid_kernels.hpp"
#include "twinpatch/backend/empty_selection.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch::cpu {
namespace {

constexpr float kNothing = -std::numeric_limits<float>::infinity();

/// Puts a score into a list of `top_k`, best first; false where it does not rank among them.
bool insert(float* scores, std::int32_t* indices, std::int64_t top_k, float score, std::int32_t index) {
  std::int64_t at = top_k;
  while (at > 0 && (indices[at - 1] < 0 || ranks_before(score, index, scores[at - 1], indices[at - 1]))) --at;
  if (at == top_k) return false;
  std::copy_backward(scores + at, scores + top_k - 1, scores + top_k);
  std::copy_backward(indices + at, indices + top_k - 1, indices + top_k);
  scores[at] = score;
  indices[at] = index;
  return true;
}

}  // namespace

CpuSelection::CpuSelection(const SelectionRequest& request) { begin(request); }

void CpuSelection::begin(const SelectionRequest& request) {
  if (request.segment_count() > 1) throw InvalidArgument("segments are not selected here");
  kept_ = empty_selection(request);
  request_ = request;
}

Selected CpuSelection::read() const {
  const auto copy = [](const auto& from) {
    std::remove_cvref_t<decltype(from)> to(from.size());
    std::copy_n(from.data(), from.size(), to.data());
    return to;
  };
  const std::scoped_lock lock(mutex_);
  Selected result;
  result.rows = kept_.rows;
  result.columns = kept_.columns;
  result.top_k = kept_.top_k;
  result.indices = copy(kept_.indices);
  result.scores = copy(kept_.scores);
  if (request_.column_best) {
    result.column_indices = copy(kept_.column_indices);
    result.column_scores = copy(kept_.column_scores);
  }
  return result;
}

void CpuSelection::check_tile(std::int64_t first_row, std::int64_t rows, std::int64_t first_column,
                              std::int64_t columns) const {
  if (first_row < 0 || first_column < 0 || rows < 0 || columns < 0 || rows > request_.rows - first_row ||
      columns > request_.columns - first_column) {
    throw InvalidArgument(fmt::format("a tile of {} × {} scores at ({}, {}) lies outside the grid of {} × {}", rows,
                                      columns, first_row, first_column, request_.rows, request_.columns));
  }
}

void SelectionBlock::begin(const CpuSelection& selection, std::int64_t first_row, std::int64_t rows,
                           std::int64_t first_column, std::int64_t columns) {
  first_row_ = first_row;
  first_column_ = first_column;
  rows_ = rows;
  top_k_ = selection.request_.top_k;
  has_columns_ = selection.request_.column_best;
  row_limits_.resize(static_cast<std::size_t>(rows));
  scores_.assign(static_cast<std::size_t>(rows * top_k_), kNothing);
  indices_.assign(static_cast<std::size_t>(rows * top_k_), -1);
  const std::scoped_lock lock(selection.mutex_);
  const Selected& kept = selection.kept_;
  for (std::int64_t i = 0; i < rows; ++i) {
    const float last = kept.scores[(first_row + i + 1) * top_k_ - 1];
    row_limits_[static_cast<std::size_t>(i)] = std::max(last, selection.request_.threshold);
  }
  if (has_columns_) {
    column_scores_.assign(kept.column_scores.data() + first_column, kept.column_scores.data() + first_column + columns);
    column_rows_.assign(kept.column_indices.data() + first_column, kept.column_indices.data() + first_column + columns);
  }
}

void SelectionBlock::offer(std::int64_t i, std::int64_t j, float score) {
  const auto row = static_cast<std::size_t>(i);
  if (score >= row_limits_[row]) {
    float* scores = scores_.data() + i * top_k_;
    if (insert(scores, indices_.data() + i * top_k_, top_k_, score, static_cast<std::int32_t>(first_column_ + j))) {
      row_limits_[row] = std::max(row_limits_[row], scores[top_k_ - 1]);
    }
  }
  if (!has_columns_) return;
  const auto column = static_cast<std::size_t>(j);
  const auto grid_row = static_cast<std::int32_t>(first_row_ + i);
  if (column_rows_[column] < 0 || ranks_before(score, grid_row, column_scores_[column], column_rows_[column])) {
    column_scores_[column] = score;
    column_rows_[column] = grid_row;
  }
}

void SelectionBlock::end(CpuSelection& selection) {
  const std::scoped_lock lock(selection.mutex_);
  Selected& kept = selection.kept_;
  for (std::int64_t i = 0; i < rows_; ++i) {
    float* scores = kept.scores.data() + (first_row_ + i) * top_k_;
    std::int32_t* indices = kept.indices.data() + (first_row_ + i) * top_k_;
    for (auto entry = static_cast<std::size_t>(i * top_k_); entry < static_cast<std::size_t>((i + 1) * top_k_);
         ++entry) {
      if (indices_[entry] < 0 || !insert(scores, indices, top_k_, scores_[entry], indices_[entry])) break;
    }
  }
  if (!has_columns_) return;
  for (std::size_t j = 0; j < column_rows_.size(); ++j) {
    float& score = kept.column_scores[first_column_ + static_cast<std::int64_t>(j)];
    std::int32_t& row = kept.column_indices[first_column_ + static_cast<std::int64_t>(j)];
    if (column_rows_[j] >= 0 && (row < 0 || ranks_before(column_scores_[j], column_rows_[j], score, row))) {
      score = column_scores_[j];
      row = column_rows_[j];
    }
  }
}

std::unique_ptr<Selection> make_cpu_selection(const std::shared_ptr<CpuContext>& /*context*/,
                                              const SelectionRequest& request) {
  return std::make_unique<CpuSelection>(request);
}

void select_scores(Selection& selection, std::int64_t first_row, std::int64_t first_column, const float* scores,
                   std::int64_t rows, std::int64_t columns, std::int64_t stride) {
  auto* const target = dynamic_cast<CpuSelection*>(&selection);
  if (target == nullptr) throw InvalidArgument("scores of the CPU cannot go into a selection of another backend");
  target->check_tile(first_row, rows, first_column, columns);
  SelectionBlock block;
  for (std::int64_t i = 0; i < rows; i += kStripRows) {
    const std::int64_t block_rows = std::min(kStripRows, rows - i);
    block.begin(*target, first_row + i, block_rows, first_column, columns);
    for (std::int64_t r = 0; r < block_rows; ++r) {
      for (std::int64_t j = 0; j < columns; ++j) {
        const float score = scores[(i + r) * stride + j];
        if (!std::isfinite(score)) {
          throw NotFinite(fmt::format("the score of left patch {} and right patch {} is not finite ({})",
                                      first_row + i + r, first_column + j, score));
        }
        if (score >= block.row_limit(r) || (block.has_columns() && score >= block.column_limit(j))) {
          block.offer(r, j, score);
        }
      }
    }
    block.end(*target);
  }
}

}  // namespace twinpatch::cpu
