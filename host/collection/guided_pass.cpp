// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "guided_pass.hpp"

#include <algorithm>

namespace twinpatch {
namespace {

/// Partners whose masks are made together.
constexpr std::size_t kAtOnce = 16;

}  // namespace

GuidedCounts match_guided(const MatchGuide& guide, const GuidedGroup& group, std::vector<std::vector<Match>>& found,
                          const GuidedMatcher& match) {
  GuidedCounts counts;
  for (std::size_t begin = 0; begin < group.partners.size(); begin += kAtOnce) {
    const std::size_t end = std::min(begin + kAtOnce, group.partners.size());
    std::vector<GuidedPartner> partners;
    for (std::size_t n = begin; n < end; ++n) partners.push_back({group.partners[n], found[n]});
    const auto guided = guide.guide(group.first, partners);
    for (std::size_t n = begin; n < end; ++n) {
      const std::optional<PairGuidance>& guidance = guided[n - begin];
      if (!guidance) continue;
      ++counts.pairs;
      counts.comparisons += guidance->mask.pairs();
      found[n] = match(n, *guidance);
    }
  }
  return counts;
}

}  // namespace twinpatch
