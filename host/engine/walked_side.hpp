// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "twinpatch/backend/backend.hpp"
#include "twinpatch/core/lru_cache.hpp"

namespace twinpatch {

/// Rows of a side of a grid, made part by part so that a side larger than memory can be walked.
struct RowSource {
  std::int64_t size = 0;
  /// Rows [begin, begin + count). May be called several times for the same rows.
  std::function<std::shared_ptr<const Rows>(std::int64_t begin, std::int64_t count)> make;
  /// false: rows that exist already; only make(0, size) is called, and costs nothing.
  bool divisible = true;
};

enum class Direction { forwards, backwards };

/// One side of a grid as a walk sees it: its sources one after the other, in parts of at most `most` rows that begin at
/// multiples of `most` (so that a cache knows them again on the way back). Indivisible sources are parts as they are.
class WalkedSide {
 public:
  /// `cache_bytes`: bound on the parts that are kept after use. `sources` must outlive it.
  WalkedSide(std::span<const RowSource> sources, std::int64_t most, std::int64_t cache_bytes);

  struct Part {
    std::int64_t first = 0;  ///< row of the side
    std::int64_t count = 0;
  };

  [[nodiscard]] std::int64_t size() const { return firsts_.back(); }
  [[nodiscard]] std::int64_t most() const { return most_; }
  /// The part that begins (backwards: ends) with `row`, 0 ≤ row < size().
  [[nodiscard]] Part part(std::int64_t row, Direction direction) const;
  /// Its rows, kept or made. Throws OutOfMemory, InvalidArgument where a source gives another number of rows.
  [[nodiscard]] std::shared_ptr<const Rows> rows(Part part);

  /// Smaller parts from here on; false where a part is one row already.
  bool halve();
  /// Lets go of kept parts; false where there are none.
  bool forget();

 private:
  [[nodiscard]] std::size_t source_of(std::int64_t row) const;

  std::span<const RowSource> sources_;
  std::vector<std::int64_t> firsts_;  ///< of each source, then the end
  std::int64_t most_;
  LruCache<std::pair<std::int64_t, std::int64_t>, std::shared_ptr<const Rows>> kept_;  ///< by first row and count
};

}  // namespace twinpatch
