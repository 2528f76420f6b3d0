// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "twinpatch/engine/engine.hpp"

namespace twinpatch {

/// A grid of `rows` × `columns` in which only some pairs were scored.
struct ScoredPairs {
  std::span<const IndexPair> pairs;  ///< in order of their rows
  std::span<const float> scores;
  std::int64_t rows = 0, columns = 0;
};

/// The best of the scored pairs for each row and column; ties go to the lower index.
[[nodiscard]] Selected select_scored(const ScoredPairs& scored, const GridOptions& options);

}  // namespace twinpatch
