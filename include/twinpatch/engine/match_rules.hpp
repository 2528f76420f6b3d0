// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <limits>
#include <optional>
#include <vector>

#include "twinpatch/backend/selection.hpp"
#include "twinpatch/net/spec.hpp"
#include "twinpatch/patches/match.hpp"

namespace twinpatch {

/// Which of a row's best scores are matches.
struct MatchRules {
  bool mutual = true;  ///< left's best is right, and right's best is left
  /// Largest allowed best / second-best distance (Lowe 2004). Only for l2 and l1 networks: a learned score is not a
  /// distance.
  std::optional<float> ratio;
  float threshold = -std::numeric_limits<float>::infinity();  ///< lowest score

  /// Scores per row that must be selected for these rules.
  [[nodiscard]] int needed_top_k() const { return ratio ? 2 : 1; }
};

/// Whether the scores of a network are negated distances, so that a ratio test is meaningful.
[[nodiscard]] bool scores_are_distances(const NetworkSpec& spec);

/// Throws InvalidArgument with the reason if the rules do not suit the network's scores (a ratio on a learned score).
void check(const MatchRules& rules, const NetworkSpec& spec);

/// Matches of a grid's selection, or of a segment of it, in order of the left index; right indices count from the
/// segment's first column. Throws InvalidArgument if the selection did not keep what the rules need, or has several
/// segments.
[[nodiscard]] std::vector<Match> matches(const SelectedView& selected, const MatchRules& rules);
[[nodiscard]] std::vector<Match> matches(const Selected& selected, const MatchRules& rules);

}  // namespace twinpatch
