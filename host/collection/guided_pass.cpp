// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "guided_pass.hpp"

#include <algorithm>

namespace twinpatch {
namespace {

/// Partners whose masks are made together.
constexpr std::size_t kAtOnce = 16;

}  // namespace

GuidedCounts match_guided(Engine& engine, const MatchGuide& guide, const MatchRules& rules, const GuidedGroup& group,
                          std::vector<std::vector<Match>>& found) {
  GuidedCounts counts;
  for (std::size_t begin = 0; begin < group.partners.size(); begin += kAtOnce) {
    const std::size_t end = std::min(begin + kAtOnce, group.partners.size());
    std::vector<GuidedPartner> partners;
    for (std::size_t n = begin; n < end; ++n) partners.push_back({group.partners[n], found[n]});
    const auto masks = guide.masks(group.first, partners);
    for (std::size_t n = begin; n < end; ++n) {
      const std::optional<GridMask>& mask = masks[n - begin];
      if (!mask) continue;
      ++counts.pairs;
      counts.comparisons += mask->pairs();
      try {
        found[n] = engine.match(*group.left, *group.rights[n], *mask, rules, group.control);
      } catch (const NotFinite& error) {
        if (error.pair().left < 0) throw;
        throw NotFinite::of_score(engine.spec().name, error.pair(), error.score(), static_cast<std::int64_t>(n));
      }
    }
  }
  return counts;
}

}  // namespace twinpatch
