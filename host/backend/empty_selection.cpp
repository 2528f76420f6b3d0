// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/backend/empty_selection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "twinpatch/core/checked.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch {
namespace {

void fill(std::int64_t size, Buffer<std::int32_t>& indices, Buffer<float>& scores) {
  indices = Buffer<std::int32_t>(size);
  scores = Buffer<float>(size);
  std::fill_n(indices.data(), size, -1);
  std::fill_n(scores.data(), size, -std::numeric_limits<float>::infinity());
}

}  // namespace

void check(const SelectionRequest& request) {
  constexpr std::int64_t kLargest = std::numeric_limits<std::int32_t>::max();
  if (request.rows < 0 || request.columns < 0 || request.rows > kLargest || request.columns > kLargest) {
    throw InvalidArgument(
        fmt::format("a grid of {} rows × {} columns cannot be indexed with 32 bits", request.rows, request.columns));
  }
  if (request.top_k < 1) throw InvalidArgument(fmt::format("top_k must be at least 1, got {}", request.top_k));
  if (std::isnan(request.threshold)) throw InvalidArgument("the threshold is not a number");
  if (request.segments.empty()) return;
  if (request.segments.front() != 0 || !std::is_sorted(request.segments.begin(), request.segments.end()) ||
      request.segments.back() > request.columns) {
    throw InvalidArgument(
        fmt::format("segments of a grid begin with column 0, ascend and end within its {} columns", request.columns));
  }
}

void check_tile(const SelectionRequest& request, std::int64_t first_row, std::int64_t rows, std::int64_t first_column,
                std::int64_t columns) {
  if (first_row < 0 || first_column < 0 || rows < 0 || columns < 0 || rows > request.rows - first_row ||
      columns > request.columns - first_column) {
    throw InvalidArgument(fmt::format("a tile of {} × {} scores at ({}, {}) is outside the grid of {} × {}", rows,
                                      columns, first_row, first_column, request.rows, request.columns));
  }
}

SelectedView Selected::segment(std::int64_t s) const {
  const std::int64_t begin = segments.empty() ? 0 : segments[static_cast<std::size_t>(s)];
  const std::int64_t end = s + 1 == segment_count() ? columns : segments[static_cast<std::size_t>(s + 1)];
  const auto of_rows = static_cast<std::size_t>(rows * top_k);
  const auto first = static_cast<std::size_t>(s) * of_rows;
  SelectedView view{
      rows, end - begin, top_k, indices.span().subspan(first, of_rows), scores.span().subspan(first, of_rows), {}, {}};
  if (column_indices.size() > 0) {
    const auto at = static_cast<std::size_t>(begin);
    const auto count = static_cast<std::size_t>(end - begin);
    view.column_indices = column_indices.span().subspan(at, count);
    view.column_scores = column_scores.span().subspan(at, count);
  }
  return view;
}

Selected empty_selection(const SelectionRequest& request) {
  check(request);
  Selected selected;
  selected.rows = request.rows;
  selected.columns = request.columns;
  selected.top_k = request.top_k;
  selected.segments = request.segments;
  fill(checked_multiply(checked_multiply(request.rows, request.top_k), request.segment_count()), selected.indices,
       selected.scores);
  if (request.column_best) fill(request.columns, selected.column_indices, selected.column_scores);
  return selected;
}

}  // namespace twinpatch
