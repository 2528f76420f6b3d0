// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "block_matcher.hpp"
#include "keypoint_mask.hpp"
#include "twinpatch/core/stopwatch.hpp"
#include "twinpatch/engine/select_scored.hpp"
#include "twinpatch/engine/two_stage_match.hpp"

// The part of a block's matching that takes two networks.

namespace twinpatch {

namespace {

/// The numbers of keypoints that are matched, as those of patches.
std::span<const std::int32_t> numbers_of(const VisibleKeypoints& visible) {
  return visible ? std::span<const std::int32_t>(*visible) : std::span<const std::int32_t>();
}

}  // namespace

/// Matches of an image with each of its partners by both networks; nothing for partners whose geometry is known.
std::vector<std::vector<Match>> BlockMatcher::two_stages(std::int32_t image, std::span<const std::int32_t> partners) {
  std::vector<std::vector<Match>> found;
  for (const std::int32_t partner : partners) {
    control_.check();
    if (needs_matches(image, partner)) {
      found.push_back(match_in_two_stages({image, partner}));
    } else {
      found.emplace_back();
      control_.advance(matched_keypoints(image) * matched_keypoints(partner));
    }
  }
  return found;
}

/// The nearest of both directions.
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
  return found;
}

/// Candidates by the sum of both networks' scores, and of these what the rules leave.
std::vector<Match> BlockMatcher::match_in_two_stages(ImagePair pair) {
  const Candidates found = find_candidates(pair);
  const auto left = patches(pair.first);
  const auto right = patches(pair.second);
  const VisibleKeypoints of_left = visible_keypoints(work_.source, pair.first, left->size());
  const VisibleKeypoints of_right = visible_keypoints(work_.source, pair.second, right->size());
  std::vector<float> scores;
  const Stopwatch watch;
  try {
    const auto pairs = patch_pairs(found.pairs, numbers_of(of_left), numbers_of(of_right));
    scores = work_.rerank->score(left->view(), right->view(), pairs, control_.quiet());
  } catch (const NotFinite& error) {
    throw_of_images(pair, error);
  }
  statistics_.stages.rescore += watch.seconds();
  statistics_.reranked += std::ssize(found.pairs);
  scores = two_stage_scores(*rule_, found.similarities, scores);
  const MatchRules& rules = work_.plan.rules.match;
  const GridOptions kept{.column_best = rules.mutual, .threshold = rules.threshold};
  const std::int64_t rows = of_left ? std::ssize(*of_left) : left->size();
  const std::int64_t columns = of_right ? std::ssize(*of_right) : right->size();
  return matches(select_scored({found.pairs, scores, rows, columns}, kept), rules);
}

/// All pairs that a guide leaves, by both networks.
std::vector<Match> BlockMatcher::match_in_band(ImagePair pair, const Band& band) {
  const auto left = patches(pair.first);
  const auto right = patches(pair.second);
  const VisibleKeypoints of_left = visible_keypoints(work_.source, pair.first, left->size());
  const VisibleKeypoints of_right = visible_keypoints(work_.source, pair.second, right->size());
  statistics_.reranked += band.mask.pairs();
  return twinpatch::match_in_two_stages({work_.engine, *work_.rerank, *rule_, band.rules},
                                        {band.left, left->view(), numbers_of(of_left)},
                                        {band.right, right->view(), numbers_of(of_right)}, band.mask, control_.quiet());
}

}  // namespace twinpatch
