// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "twinpatch/patches/pair_list.hpp"

// How a list of pairs is cut into chunks of few patches.

namespace twinpatch {

/// Numbers patches 0, 1, 2, … in the order in which they are first asked for.
class Numbering {
 public:
  explicit Numbering(std::int64_t patches) : numbers_(static_cast<std::size_t>(patches), -1) {}
  [[nodiscard]] bool knows(std::int32_t patch) const { return numbers_[static_cast<std::size_t>(patch)] >= 0; }
  std::int32_t number(std::int32_t patch);
  void clear();
  [[nodiscard]] std::int64_t count() const { return std::ssize(patches_); }
  /// Numbered patches, in the order of their numbers.
  [[nodiscard]] const std::vector<std::int32_t>& patches() const { return patches_; }

 private:
  std::vector<std::int32_t> numbers_;
  std::vector<std::int32_t> patches_;
};

/// Positions of pairs, by left, then right patch.
[[nodiscard]] std::vector<std::int64_t> sorted_order(std::span<const IndexPair> pairs);

/// Pairs that are scored together, in order, with the numbers of their patches among those of the chunk.
struct PairChunk {
  PairChunk(std::int64_t left_patches, std::int64_t right_patches) : left(left_patches), right(right_patches) {}

  /// Takes pairs order[0], order[1], … while they mention no more than `most` patches; one at least.
  void fill(std::span<const IndexPair> all, std::span<const std::int64_t> order, std::int64_t most);
  [[nodiscard]] std::int64_t patches() const { return left.count() + right.count(); }

  Numbering left;
  Numbering right;
  std::vector<IndexPair> pairs;
};

}  // namespace twinpatch
