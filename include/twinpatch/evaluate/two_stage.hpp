// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "twinpatch/evaluate/comparer.hpp"
#include "twinpatch/net/model.hpp"
#include "twinpatch/vision/homography.hpp"

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

/// The union of both directions' nearest, ordered by left, then right patch.
struct Candidates {
  std::vector<IndexPair> pairs;
  std::vector<float> similarities;  ///< of the first stage, one a pair
};
[[nodiscard]] Candidates find_candidates(Comparer& first, PatchView left, PatchView right, int nearest,
                                         const RunControl& control = {});

/// Scores of both stages by one rule. Pairs that are not candidates are no matches. Throws ShapeError where the two
/// take patches of different sizes, InvalidArgument for a rule without candidates.
[[nodiscard]] std::unique_ptr<Comparer> two_stage_comparer(std::shared_ptr<Comparer> first,
                                                           std::shared_ptr<Comparer> second, const TwoStageRule& rule);

/// What is true of a candidate under a known geometry.
enum class CandidateTruth : std::uint8_t { wrong, right, ignored };
struct LabelledCandidate {
  std::int32_t left = 0;
  float similarity = 0, network = 0;
  CandidateTruth truth = CandidateTruth::wrong;
};

/// The nearest candidate of each left keypoint is right within 3 pixels; others within 5 are ignored. So is a keypoint
/// whose nearest is 3 to 5 pixels off. `scores` are the second stage's, one a candidate.
[[nodiscard]] std::vector<LabelledCandidate> label_candidates(const Candidates& candidates,
                                                              std::span<const float> scores,
                                                              std::span<const double> transfer_errors);

/// Weights and "none" that make the right answers likeliest: per left keypoint a softmax over its candidates and
/// "none". Newton's method on a convex loss. `lists`: candidates of one pair of images each, ordered by left. Throws
/// InvalidArgument where a list has no right candidate or none without one: then there is nothing to learn.
[[nodiscard]] TwoStageRule fit_two_stage(std::span<const std::vector<LabelledCandidate>> lists, TwoStageRule rule);

}  // namespace twinpatch
