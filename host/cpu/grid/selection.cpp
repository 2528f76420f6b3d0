// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "grid/selection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "kernels/grid_kernels.hpp"
#include "twinpatch/backend/backend.hpp"
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

/// `size` elements of `value`, in the memory there is where it is large enough.
template <class T>
void fill(Buffer<T>& buffer, std::int64_t size, T value) {
  if (buffer.size() < size) {
    buffer = Buffer<T>();
    buffer = Buffer<T>(size);
  }
  std::fill_n(buffer.data(), size, value);
}

/// Offers scores[i * stride + j] of every row i and column j of the block that may be kept.
void offer_all(SelectionBlock& block, const GridBlock& place, const float* scores, std::int64_t stride) {
  for (std::int64_t i = 0; i < place.rows; ++i, scores += stride) {
    for (std::int64_t j = 0; j < place.columns; ++j) {
      if (!std::isfinite(scores[j])) {
        const std::int64_t row = place.first_row + i;
        const std::int64_t column = place.first_column + j;
        throw NotFinite(
            fmt::format("the score of left patch {} and right patch {} is not finite ({})", row, column, scores[j]),
            {static_cast<std::int32_t>(row), static_cast<std::int32_t>(column)}, scores[j]);
      }
      if (scores[j] >= block.row_limit(i) || (block.has_columns() && scores[j] >= block.column_limit(j))) {
        block.offer(i, j, scores[j]);
      }
    }
  }
}

template <class T>
Buffer<T> copy(const Buffer<T>& from, std::int64_t size) {
  Buffer<T> to(size);
  std::copy_n(from.data(), size, to.data());
  return to;
}

}  // namespace

CpuSelection::CpuSelection(const SelectionRequest& request) { begin(request); }

void CpuSelection::begin(const SelectionRequest& request) {
  const std::scoped_lock lock(mutex_);
  check(request);
  SelectionRequest begun = request;  // which may be request_
  request_ = {};
  const std::int64_t of_rows = checked_multiply(checked_multiply(request.rows, request.top_k), request.segment_count());
  fill(indices_, of_rows, -1);
  fill(scores_, of_rows, kNothing);
  if (request.column_best) {
    fill(column_indices_, request.columns, -1);
    fill(column_scores_, request.columns, kNothing);
  }
  request_ = std::move(begun);
}

Selected CpuSelection::read() const {
  const std::scoped_lock lock(mutex_);
  Selected result;
  result.rows = request_.rows;
  result.columns = request_.columns;
  result.top_k = request_.top_k;
  result.segments = request_.segments;
  const std::int64_t of_rows = place(request_.segment_count(), 0);
  result.indices = copy(indices_, of_rows);
  result.scores = copy(scores_, of_rows);
  if (request_.column_best) {
    result.column_indices = copy(column_indices_, request_.columns);
    result.column_scores = copy(column_scores_, request_.columns);
  }
  return result;
}

void SelectionBlock::begin(const CpuSelection& selection, const GridBlock& block) {
  const SelectionRequest& request = selection.request_;
  block_ = block;
  segment_column_ = block.first_column - request.segment_begin(block.segment);
  top_k_ = request.top_k;
  has_columns_ = request.column_best;
  row_limits_.resize(static_cast<std::size_t>(block.rows));
  scores_.assign(static_cast<std::size_t>(block.rows * top_k_), kNothing);
  indices_.assign(static_cast<std::size_t>(block.rows * top_k_), -1);
  const std::scoped_lock lock(selection.mutex_);
  const float* last = selection.scores_.data() + selection.place(block.segment, block.first_row) + top_k_ - 1;
  for (float& limit : row_limits_) {
    limit = std::max(*last, request.threshold);
    last += top_k_;
  }
  if (has_columns_) {
    const float* scores = selection.column_scores_.data() + block.first_column;
    const std::int32_t* rows = selection.column_indices_.data() + block.first_column;
    column_scores_.assign(scores, scores + block.columns);
    column_rows_.assign(rows, rows + block.columns);
  }
}

void SelectionBlock::offer(std::int64_t i, std::int64_t j, float score) {
  const auto row = static_cast<std::size_t>(i);
  if (score >= row_limits_[row]) {
    float* scores = scores_.data() + i * top_k_;
    if (insert(scores, indices_.data() + i * top_k_, top_k_, score, static_cast<std::int32_t>(segment_column_ + j))) {
      row_limits_[row] = std::max(row_limits_[row], scores[top_k_ - 1]);
    }
  }
  if (!has_columns_) return;
  const auto column = static_cast<std::size_t>(j);
  const auto grid_row = static_cast<std::int32_t>(block_.first_row + i);
  if (column_rows_[column] < 0 || ranks_before(score, grid_row, column_scores_[column], column_rows_[column])) {
    column_scores_[column] = score;
    column_rows_[column] = grid_row;
  }
}

void SelectionBlock::end(CpuSelection& selection) {
  const std::scoped_lock lock(selection.mutex_);
  const std::int64_t place = selection.place(block_.segment, block_.first_row);
  for (std::int64_t i = 0; i < block_.rows; ++i) {
    float* scores = selection.scores_.data() + place + i * top_k_;
    std::int32_t* indices = selection.indices_.data() + place + i * top_k_;
    for (auto entry = static_cast<std::size_t>(i * top_k_); entry < static_cast<std::size_t>((i + 1) * top_k_);
         ++entry) {
      if (indices_[entry] < 0 || !insert(scores, indices, top_k_, scores_[entry], indices_[entry])) break;
    }
  }
  if (!has_columns_) return;
  for (std::size_t j = 0; j < column_rows_.size(); ++j) {
    const std::int64_t column = block_.first_column + static_cast<std::int64_t>(j);
    float& score = selection.column_scores_[column];
    std::int32_t& row = selection.column_indices_[column];
    if (column_rows_[j] >= 0 && (row < 0 || ranks_before(column_scores_[j], column_rows_[j], score, row))) {
      score = column_scores_[j];
      row = column_rows_[j];
    }
  }
}

void select_scores(CpuSelection& selection, const PlacedScores& placed) {
  check_tile(selection.request(), placed.first_row, placed.rows, placed.first_column, placed.columns);
  SelectionBlock block;
  for_each_segment(selection.request(), placed.first_column, placed.columns,
                   [&](std::int64_t segment, std::int64_t first, std::int64_t count) {
                     const float* const from = placed.scores + first - placed.first_column;
                     for (std::int64_t i = 0; i < placed.rows; i += kStripRows) {
                       const std::int64_t rows = std::min(kStripRows, placed.rows - i);
                       const GridBlock piece{placed.first_row + i, rows, first, count, segment};
                       block.begin(selection, piece);
                       offer_all(block, piece, from + i * placed.stride, placed.stride);
                       block.end(selection);
                     }
                   });
}

}  // namespace twinpatch::cpu
