// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "twinpatch/engine/two_stage.hpp"
#include "twinpatch/evaluate/comparer.hpp"
#include "twinpatch/vision/homography.hpp"

namespace twinpatch {

// Two stages as one score (twinpatch/engine/two_stage.hpp) over comparers, and the fit of its weights.

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
