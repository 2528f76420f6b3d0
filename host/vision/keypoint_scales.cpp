// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "twinpatch/vision/keypoint.hpp"

namespace twinpatch {

bool have_scales(std::span<const Keypoint> keypoints) {
  if (keypoints.empty()) return true;
  const float first = keypoints.front().sigma;
  if (keypoints.size() == 1) return first != 0 && first != 1;
  return std::ranges::any_of(keypoints, [first](const Keypoint& keypoint) { return keypoint.sigma != first; });
}

}  // namespace twinpatch
