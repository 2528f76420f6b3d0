// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "twinpatch/engine/grid_mask.hpp"
#include "twinpatch/engine/match_rules.hpp"
#include "twinpatch/patches/match.hpp"

namespace twinpatch {

/// An image of a pair, by its name in the plan.
struct GuidedImage {
  std::string name;
  /// Numbers of the keypoints that are matched, ascending; nothing: all. Matches and masks count among these.
  std::optional<std::vector<std::int32_t>> numbers{};
};
/// An image that another one is matched with.
struct GuidedPartner {
  GuidedImage image;
  std::span<const Match> matches;  ///< of a first pass; empty where none was needed
};

/// Where the matches of a pair of images may lie.
struct PairGuidance {
  GridMask mask;  ///< keypoints of the first image × those of its partner that may match
  /// Of matches within the mask: what scores less is none. (Few rivals lie within a band, so that a ratio of distances
  /// says little there.)
  float least_score = -std::numeric_limits<float>::infinity();

  [[nodiscard]] MatchRules applied_to(MatchRules rules) const {
    rules.threshold = std::max(rules.threshold, least_score);
    return rules;
  }
};

/// Knows where in one image the partner of another image's keypoint may lie: a second pass compares only what it
/// leaves. The same input gives the same answers.
class MatchGuide {
 public:
  virtual ~MatchGuide() = default;
  /// All that its answers depend on but images and matches, in words: one of the rules of a run.
  [[nodiscard]] virtual std::string rule() const = 0;
  /// Whether the pair's geometry follows from matches, rather than being known.
  [[nodiscard]] virtual bool needs_matches(const std::string& first, const std::string& second) const = 0;
  /// For each partner where it and `first` may match; nothing where the geometry is not known: then the matches of the
  /// first pass stand. Throws what reading keypoints does.
  [[nodiscard]] virtual std::vector<std::optional<PairGuidance>> guide(
      const GuidedImage& first, std::span<const GuidedPartner> partners) const = 0;
};

}  // namespace twinpatch
