// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace twinpatch {

/// Columns [begin, end) of a grid.
struct ColumnInterval {
  std::int32_t begin = 0;
  std::int32_t end = 0;
  friend bool operator==(const ColumnInterval&, const ColumnInterval&) = default;
};

/// The pairs of a grid [rows, columns] that count: intervals of columns for each row. Where columns are sorted so that
/// partners lie together (along epipolar lines), rows have few intervals. Memory: 8 bytes an interval.
class GridMask {
 public:
  /// Rows are added one after the other.
  explicit GridMask(std::int64_t columns) : columns_(columns) {}

  /// The next row: intervals that ascend and do not overlap; touching ones become one. Throws InvalidArgument.
  void add_row(std::span<const ColumnInterval> intervals);

  [[nodiscard]] std::int64_t rows() const { return std::ssize(ends_); }
  [[nodiscard]] std::int64_t columns() const { return columns_; }
  [[nodiscard]] std::int64_t pairs() const { return pairs_; }
  [[nodiscard]] std::span<const ColumnInterval> row(std::int64_t i) const;

 private:
  std::int64_t columns_ = 0;
  std::int64_t pairs_ = 0;
  std::vector<ColumnInterval> intervals_;
  std::vector<std::size_t> ends_;  ///< of each row's intervals
};

}  // namespace twinpatch
