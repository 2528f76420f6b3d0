// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "twinpatch/backend/selection.hpp"
#include "twinpatch/net/model.hpp"
#include "twinpatch/patches/pair_list.hpp"

namespace twinpatch {

// Two stages as one score: what a descriptor finds nearest, in both directions, is scored by a network that decides
// about pairs, and the two scores are added. "None of them" has a score of its own, learned with the two weights.

/// score = similarity_weight · similarity + network_weight · network − none; below 0, "none" is the likelier answer.
struct TwoStageRule {
  std::string first;   ///< network that finds the candidates, as its specification names it
  int candidates = 8;  ///< nearest of each patch, left to right and right to left
  double similarity_weight = 1, network_weight = 0, none = 0;
  friend bool operator==(const TwoStageRule&, const TwoStageRule&) = default;
};

/// The rule in a model's metadata ("two_stage"), and into it. Throws InvalidArgument: a network without a decision
/// part; and for reading a model without a rule, a damaged one, or one made for another first network than `first`.
[[nodiscard]] TwoStageRule two_stage_rule(const Model& model, const std::string& first);
void store_two_stage_rule(Model& model, const TwoStageRule& rule);
/// Throws InvalidArgument for a network that has descriptors only.
void check_decides(const Model& model);
/// Throws InvalidArgument for a network that has none: it finds no candidates.
void check_finds(const NetworkSpec& first);

/// The union of both directions' nearest, ordered by left, then right patch.
struct Candidates {
  std::vector<IndexPair> pairs;
  std::vector<float> similarities;   ///< of the first stage, one a pair
  std::vector<std::uint8_t> mutual;  ///< 1: each is the other's nearest
};
/// Of a grid of left against right, and one of right against left.
[[nodiscard]] Candidates unite_candidates(const SelectedView& to_right, const SelectedView& to_left);

/// The scores of candidates by a rule; `network`: the second stage's, one a candidate.
[[nodiscard]] std::vector<float> two_stage_scores(const TwoStageRule& rule, std::span<const float> similarities,
                                                  std::span<const float> network);

}  // namespace twinpatch
