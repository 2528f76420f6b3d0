// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>
#include <utility>

#include "pair_chunk.hpp"

namespace twinpatch {

std::int32_t Numbering::number(std::int32_t patch) {
  std::int32_t& number = numbers_[static_cast<std::size_t>(patch)];
  if (number < 0) {
    number = static_cast<std::int32_t>(patches_.size());
    patches_.push_back(patch);
  }
  return number;
}

void Numbering::clear() {
  for (const std::int32_t patch : patches_) numbers_[static_cast<std::size_t>(patch)] = -1;
  patches_.clear();
}

std::vector<std::int64_t> sorted_order(std::span<const IndexPair> pairs) {
  std::vector<std::int64_t> order(pairs.size());
  std::iota(order.begin(), order.end(), std::int64_t{0});
  const auto key = [&](std::int64_t i) {
    const IndexPair pair = pairs[static_cast<std::size_t>(i)];
    return std::pair(pair.left, pair.right);
  };
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) { return key(a) < key(b); });
  return order;
}

void PairChunk::fill(std::span<const IndexPair> all, std::span<const std::int64_t> order, std::int64_t most) {
  left.clear();
  right.clear();
  pairs.clear();
  for (const std::int64_t position : order) {
    const IndexPair pair = all[static_cast<std::size_t>(position)];
    const int added = (left.knows(pair.left) ? 0 : 1) + (right.knows(pair.right) ? 0 : 1);
    if (patches() + added > most && !pairs.empty()) return;
    const std::int32_t number = left.number(pair.left);
    pairs.push_back({number, right.number(pair.right)});
  }
}

}  // namespace twinpatch
