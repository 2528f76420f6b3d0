// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <set>

#include "twinpatch/collection/early_exit.hpp"
#include "twinpatch/core/split_mix.hpp"

namespace twinpatch {

// R. Floyd, in Bentley: Programming pearls, CACM 30 (1987), p. 754.
std::vector<std::int32_t> KeypointSample::of(std::int64_t keypoints) const {
  if (keypoints <= size) return {};
  SplitMix64 random(seed);
  std::set<std::int32_t> chosen;
  for (std::int64_t last = keypoints - size; last < keypoints; ++last) {
    const auto number = static_cast<std::int32_t>(random.next() % static_cast<std::uint64_t>(last + 1));
    if (!chosen.insert(number).second) chosen.insert(static_cast<std::int32_t>(last));
  }
  return {chosen.begin(), chosen.end()};
}

}  // namespace twinpatch
