// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <hwy/highway.h>

#include <cstdint>
#include <vector>

namespace twinpatch::test {

/// Highway's best target is `target` and nothing else in its scope.
class OnlyTarget {
 public:
  explicit OnlyTarget(std::int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
  ~OnlyTarget() {
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
  OnlyTarget(const OnlyTarget&) = delete;             // restores on leaving its scope
  OnlyTarget& operator=(const OnlyTarget&) = delete;  // likewise
};

/// Every instruction set that kernels were compiled for and this processor has.
inline std::vector<std::int64_t> highway_targets() {
  const auto supported = hwy::SupportedTargets() & HWY_TARGETS;
  std::vector<std::int64_t> result;
  for (std::int64_t target = 1; target > 0 && target <= supported; target <<= 1) {
    if ((supported & target) != 0) result.push_back(target);
  }
  return result;
}

}  // namespace twinpatch::test
