// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "block_matcher.hpp"
#include "keypoint_mask.hpp"
#include "twinpatch/core/stopwatch.hpp"
#include "twinpatch/engine/select_scored.hpp"

// The part of a block's matching that takes two networks.

namespace twinpatch {

/// Matches of an image with each of its partners by both networks, by their numbers among all keypoints.
std::vector<std::vector<Match>> BlockMatcher::two_stages(std::int32_t image, std::span<const std::int32_t> partners) {
  std::vector<std::vector<Match>> found;
  for (const std::int32_t partner : partners) {
    control_.check();
    found.push_back(match_in_two_stages({image, partner}));
  }
  return found;
}

/// The nearest of both directions, by their numbers among all keypoints of their images.
Candidates BlockMatcher::find_candidates(ImagePair pair) {
  const auto [first, second] = pair;
  const GridOptions nearest{.top_k = rule_->candidates};
  Candidates found;
  const auto first_left = rows(first, Side::left);
  const auto second_right = rows(second, Side::right);
  const auto second_left = rows(second, Side::left);
  const auto first_right = rows(first, Side::right);
  row_uses_ += 2;
  const Stopwatch watch;
  try {
    const Selected to_right = work_.engine.grid(first_left->all, second_right->all, nearest, control_.quiet());
    const Selected to_left = work_.engine.grid(second_left->all, first_right->all, nearest, control_.quiet());
    found = unite_candidates(to_right.segment(0), to_left.segment(0));
  } catch (const NotFinite& error) {
    throw_of_images(pair, error);
  }
  statistics_.stages.match += watch.seconds();
  control_.advance(first_left->all.size * second_right->all.size);
  const VisibleKeypoints left = visible_keypoints(work_.source, first, planned(first).keypoints);
  const VisibleKeypoints right = visible_keypoints(work_.source, second, planned(second).keypoints);
  for (IndexPair& candidate : found.pairs) {
    if (left) candidate.left = (*left)[static_cast<std::size_t>(candidate.left)];
    if (right) candidate.right = (*right)[static_cast<std::size_t>(candidate.right)];
  }
  return found;
}

/// Candidates by the sum of both networks' scores, and of these what the rules leave.
std::vector<Match> BlockMatcher::match_in_two_stages(ImagePair pair) {
  const Candidates found = find_candidates(pair);
  const auto left = patches(pair.first);
  const auto right = patches(pair.second);
  std::vector<float> scores;
  const Stopwatch watch;
  try {
    scores = work_.rerank->score(left->view(), right->view(), found.pairs, control_.quiet());
  } catch (const NotFinite& error) {
    throw_of_images(pair, error);
  }
  statistics_.stages.rescore += watch.seconds();
  statistics_.reranked += std::ssize(found.pairs);
  scores = two_stage_scores(*rule_, found.similarities, scores);
  const MatchRules& rules = work_.plan.rules.match;
  const GridOptions kept{.column_best = rules.mutual, .threshold = rules.threshold};
  return matches(select_scored({found.pairs, scores, left->size(), right->size()}, kept), rules);
}

}  // namespace twinpatch
