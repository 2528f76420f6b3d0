// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "twinpatch/collection/match_guide.hpp"
#include "twinpatch/engine/engine.hpp"

namespace twinpatch {

/// An image with some of its partners, on the device.
struct GuidedGroup {
  GuidedImage first{};
  std::vector<GuidedImage> partners{};
  std::shared_ptr<const RowChunks> left{};
  std::vector<std::shared_ptr<const RowChunks>> rights{};  ///< of each partner
  RunControl control{};                                    ///< whose stop is heard
};

struct GuidedCounts {
  std::int64_t pairs = 0;        ///< of images with a geometry
  std::int64_t comparisons = 0;  ///< of their keypoints
};

/// Matches of the group's image with its n-th partner, of the pairs that a guide leaves.
using GuidedMatcher = std::function<std::vector<Match>(std::size_t n, const PairGuidance& guidance)>;

/// Puts in the place of a first pass's matches, [partners], those that the guide leaves. Memory: the masks of a few
/// partners. Throws what the guide and the matcher throw.
GuidedCounts match_guided(const MatchGuide& guide, const GuidedGroup& group, std::vector<std::vector<Match>>& found,
                          const GuidedMatcher& match);

}  // namespace twinpatch
