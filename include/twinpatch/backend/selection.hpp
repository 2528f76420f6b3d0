// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "twinpatch/core/buffer.hpp"

namespace twinpatch {

/// What to keep of a grid of scores [rows, columns] that is never stored.
struct SelectionRequest {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  int top_k = 1;             ///< best scores kept for each row (in each segment), 1 ≤ top_k
  bool column_best = false;  ///< also the best row for each column (mutual matching)
  /// Scores below it are not kept. (Not applied to the column's best: a mutual check needs the true best.)
  float threshold = -std::numeric_limits<float>::infinity();
  /// Divides the columns into segments, one per image: the first column of each, ascending, beginning with 0 (two equal
  /// ones: an empty segment). Empty: all columns are one segment. A row keeps its best of every segment apart, as if
  /// each segment were a separate grid; nothing else depends on segments.
  std::vector<std::int64_t> segments = {};

  [[nodiscard]] std::int64_t segment_count() const {
    return segments.empty() ? 1 : static_cast<std::int64_t>(segments.size());
  }
  /// Columns [segment_begin(s), segment_begin(s + 1)) are segment s, 0 ≤ s < segment_count().
  [[nodiscard]] std::int64_t segment_begin(std::int64_t segment) const {
    if (segment == segment_count()) return columns;
    return segments.empty() ? 0 : segments[static_cast<std::size_t>(segment)];
  }
};

/// The selection of one segment: equal to that of a grid of only these columns. Owns nothing.
struct SelectedView {
  std::int64_t rows = 0;
  std::int64_t columns = 0;  ///< of the segment
  int top_k = 0;
  std::span<const std::int32_t> indices;         ///< [rows, top_k], columns counted from the segment's first
  std::span<const float> scores;                 ///< [rows, top_k]
  std::span<const std::int32_t> column_indices;  ///< [columns], rows of the grid; empty unless requested
  std::span<const float> column_scores;          ///< [columns]
};

/// What was kept, on the host. If fewer than top_k scores passed: index −1 and score −infinity.
/// Order: descending score, ties by lower index, so that results do not depend on tiles or threads.
struct Selected {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  int top_k = 0;
  std::vector<std::int64_t> segments;   ///< as in the request
  Buffer<std::int32_t> indices;         ///< [segments, rows, top_k], columns counted from their segment's first
  Buffer<float> scores;                 ///< [segments, rows, top_k]
  Buffer<std::int32_t> column_indices;  ///< [columns], rows of the grid; empty unless requested
  Buffer<float> column_scores;          ///< [columns]

  [[nodiscard]] std::int64_t segment_count() const {
    return segments.empty() ? 1 : static_cast<std::int64_t>(segments.size());
  }
  /// Segment s, 0 ≤ s < segment_count(); valid as long as this object.
  [[nodiscard]] SelectedView segment(std::int64_t s) const;
};

/// Running result of a grid, on the device that scores it. Filled tile by tile by a PairScorer; not thread-safe.
class Selection {
 public:
  virtual ~Selection() = default;
  [[nodiscard]] virtual const SelectionRequest& request() const = 0;
  /// Clears the selection and begins another grid. Allocates nothing if an earlier request was at least as large;
  /// does not synchronise. Throws InvalidArgument as check() of the request does, OutOfMemory.
  virtual void begin(const SelectionRequest& request) = 0;
  /// The selection so far. Synchronises with the device. Throws NotFinite as PairScorer::score_tile() says.
  [[nodiscard]] virtual Selected read() const = 0;
};

}  // namespace twinpatch
