// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "twinpatch/engine/grid_mask.hpp"
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

/// Knows where in one image the partner of another image's keypoint may lie: a second pass compares only what it
/// leaves. The same input gives the same masks.
class MatchGuide {
 public:
  virtual ~MatchGuide() = default;
  /// All that its masks depend on but images and matches, in words: one of the rules of a run.
  [[nodiscard]] virtual std::string rule() const = 0;
  /// Whether the pair's geometry follows from matches, rather than being known.
  [[nodiscard]] virtual bool needs_matches(const std::string& first, const std::string& second) const = 0;
  /// For each partner the keypoints of `first` × its keypoints that may match; nothing where the geometry is not known:
  /// then the matches of the first pass stand. Throws what reading keypoints does.
  [[nodiscard]] virtual std::vector<std::optional<GridMask>> masks(const GuidedImage& first,
                                                                   std::span<const GuidedPartner> partners) const = 0;
};

}  // namespace twinpatch
