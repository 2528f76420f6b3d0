// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "twinpatch/core/error.hpp"
#include "twinpatch/sfm/hloc_features.hpp"

namespace twinpatch {
namespace {

/// `value` moved into [0, size] where rounding can have put it outside.
float inside(float value, int size, float rounding) {
  const float edge = std::clamp(value, 0.0F, static_cast<float>(size));
  return std::abs(value - edge) <= rounding ? edge : value;
}

}  // namespace

std::vector<Keypoint> usable_keypoints(const HlocFeatures& features, const std::string& what, float fixed_sigma) {
  if (!features.has_scales && !features.keypoints.empty() && !(fixed_sigma > 0)) {
    throw InvalidArgument(
        what +
        ": its keypoints have no \"scales\", or the same for all, so the size of their patches is unknown; set a scale "
        "for all of them");
  }
  std::vector<Keypoint> keypoints = features.keypoints;
  for (auto& keypoint : keypoints) {
    if (!features.has_scales) keypoint.sigma = fixed_sigma;
    if (features.width == 0) continue;
    keypoint.x = inside(keypoint.x, features.width, features.rounding);
    keypoint.y = inside(keypoint.y, features.height, features.rounding);
  }
  return keypoints;
}

}  // namespace twinpatch
