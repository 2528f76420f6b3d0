// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/engine/match_rules.hpp"

#include <fmt/format.h>

#include <cmath>
#include <variant>

#include "twinpatch/core/error.hpp"

namespace twinpatch {
namespace {

/// Best and second-best of a row are minus distances. Without a rival the best stands; two distances of 0 are as
/// ambiguous as can be.
bool passes_ratio(const float* scores, const std::int32_t* indices, float ratio) {
  if (indices[1] < 0) return true;
  const double best = -double{scores[0]};
  const double second = -double{scores[1]};
  return second > 0 && best <= ratio * second;
}

}  // namespace

bool scores_are_distances(const NetworkSpec& spec) {
  const auto* metric = std::get_if<DecisionMetric>(&spec.decision);
  return metric != nullptr && metric->kind != DecisionMetric::Kind::cosine;
}

void check(const MatchRules& rules, const NetworkSpec& spec) {
  if (std::isnan(rules.threshold)) throw InvalidArgument("the threshold of matches is not a number");
  if (!rules.ratio) return;
  if (!(*rules.ratio > 0 && *rules.ratio <= 1)) {
    throw InvalidArgument(
        fmt::format("the ratio of best to second-best distance must be in (0, 1], found {}", *rules.ratio));
  }
  if (scores_are_distances(spec)) return;
  if (std::get_if<DecisionMetric>(&spec.decision) == nullptr) {
    throw InvalidArgument(
        fmt::format("a ratio test needs distances; the scores of network {} are learned, "
                    "not distances: use mutual matches or a threshold",
                    spec.name));
  }
  throw InvalidArgument(
      fmt::format("a ratio test needs distances; the scores of network {} are cosines: use "
                  "mutual matches or a threshold",
                  spec.name));
}

std::vector<Match> matches(const SelectedView& selected, const MatchRules& rules) {
  if (rules.ratio && selected.top_k < 2) {
    throw InvalidArgument("a ratio test needs the two best of every row; the selection kept one");
  }
  if (rules.mutual && std::ssize(selected.column_indices) != selected.columns) {
    throw InvalidArgument("mutual matches need the best row of every column, which the selection did not keep");
  }
  std::vector<Match> result;
  for (std::int64_t i = 0; i < selected.rows; ++i) {
    const float* scores = selected.scores.data() + i * selected.top_k;
    const std::int32_t* indices = selected.indices.data() + i * selected.top_k;
    if (indices[0] < 0 || scores[0] < rules.threshold) continue;
    if (rules.mutual && selected.column_indices[static_cast<std::size_t>(indices[0])] != i) continue;
    if (rules.ratio && !passes_ratio(scores, indices, *rules.ratio)) continue;
    result.push_back({static_cast<std::int32_t>(i), indices[0], scores[0]});
  }
  return result;
}

std::vector<Match> matches(const Selected& selected, const MatchRules& rules) {
  if (selected.segment_count() != 1) throw InvalidArgument("matches of a selection with several segments");
  return matches(selected.segment(0), rules);
}

}  // namespace twinpatch
