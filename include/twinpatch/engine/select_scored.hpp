// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <utility>

#include "twinpatch/engine/engine.hpp"

namespace twinpatch {

/// The best of a grid `rows` × `columns` in which only some pairs are scored, which come in any order, each once. Ties
/// go to the lower index.
class ScoredSelection {
 public:
  /// Throws InvalidArgument as check() of a selection's request does.
  ScoredSelection(std::int64_t rows, std::int64_t columns, const GridOptions& options);

  /// Throws NotFinite for a score that is none.
  void offer(IndexPair pair, float score);
  void offer(std::span<const IndexPair> pairs, std::span<const float> scores);
  [[nodiscard]] Selected take() { return std::move(selected_); }

 private:
  GridOptions options_;
  Selected selected_;
};

/// A grid of `rows` × `columns` in which only some pairs were scored.
struct ScoredPairs {
  std::span<const IndexPair> pairs;
  std::span<const float> scores;
  std::int64_t rows = 0, columns = 0;
};

/// The best of the scored pairs for each row and column; throws as ScoredSelection does.
[[nodiscard]] Selected select_scored(const ScoredPairs& scored, const GridOptions& options);

}  // namespace twinpatch
