// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/engine/grid_mask.hpp"

#include <fmt/format.h>

#include "twinpatch/core/error.hpp"

namespace twinpatch {

void GridMask::add_row(std::span<const ColumnInterval> intervals) {
  std::int32_t last = 0;
  for (const ColumnInterval interval : intervals) {
    if (interval.begin < last || interval.end <= interval.begin || interval.end > columns_) {
      throw InvalidArgument(fmt::format("row {} of a mask: [{}, {}) after column {} of {}", rows(), interval.begin,
                                        interval.end, last, columns_));
    }
    last = interval.end;
  }
  const std::size_t first = intervals_.size();
  for (const ColumnInterval interval : intervals) {
    pairs_ += interval.end - interval.begin;
    if (intervals_.size() > first && intervals_.back().end == interval.begin) {
      intervals_.back().end = interval.end;
    } else {
      intervals_.push_back(interval);
    }
  }
  ends_.push_back(intervals_.size());
}

std::span<const ColumnInterval> GridMask::row(std::int64_t i) const {
  const auto at = static_cast<std::size_t>(i);
  const std::size_t begin = at == 0 ? 0 : ends_[at - 1];
  return std::span(intervals_).subspan(begin, ends_[at] - begin);
}

}  // namespace twinpatch
