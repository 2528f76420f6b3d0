// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "walked_side.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "twinpatch/core/checked.hpp"

namespace twinpatch {

WalkedSide::WalkedSide(std::span<const RowSource> sources, std::int64_t most, std::int64_t cache_bytes)
    : sources_(sources), firsts_{0}, most_(most), kept_(cache_bytes, [](const std::shared_ptr<const Rows>& rows) {
        return rows->bytes();
      }) {
  for (const RowSource& source : sources) firsts_.push_back(checked_add(firsts_.back(), source.size));
}

std::size_t WalkedSide::source_of(std::int64_t row) const {
  return static_cast<std::size_t>(std::upper_bound(firsts_.begin(), firsts_.end(), row) - firsts_.begin()) - 1;
}

WalkedSide::Part WalkedSide::part(std::int64_t row, Direction direction) const {
  const std::size_t at = source_of(row);
  const std::int64_t first = firsts_[at];
  const RowSource& source = sources_[at];
  if (!source.divisible) return {first, source.size};
  const std::int64_t multiple = first + (row - first) / most_ * most_;
  if (direction == Direction::backwards) return {multiple, row + 1 - multiple};
  return {row, std::min(multiple + most_, first + source.size) - row};
}

std::shared_ptr<const Rows> WalkedSide::rows(Part part) {
  const std::size_t at = source_of(part.first);
  const RowSource& source = sources_[at];
  const auto make = [&] {
    auto rows = source.make(part.first - firsts_[at], part.count);
    if (rows == nullptr || rows->size() != part.count) {
      throw InvalidArgument(fmt::format("a source of rows gave {} rows for [{}, {})",
                                        rows == nullptr ? 0 : rows->size(), part.first, part.first + part.count));
    }
    return rows;
  };
  return source.divisible ? kept_.get({part.first, part.count}, make) : make();
}

bool WalkedSide::halve() {
  if (most_ <= 1) return false;
  most_ /= 2;
  return true;
}

bool WalkedSide::forget() {
  const bool held = kept_.used() > 0;
  kept_.clear();
  return held;
}

}  // namespace twinpatch
