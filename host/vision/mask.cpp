// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/vision/mask.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "twinpatch/core/error.hpp"

namespace twinpatch {

std::filesystem::path find_mask(const std::filesystem::path& folder, const std::string& name) {
  std::error_code ignored;
  std::filesystem::path as_colmap = folder / (name + ".png");
  if (std::filesystem::is_regular_file(as_colmap, ignored)) return as_colmap;
  std::filesystem::path by_stem = (folder / name).replace_extension(".png");
  if (std::filesystem::is_regular_file(by_stem, ignored)) return by_stem;
  return {};
}

std::vector<bool> masked_keypoints(const GrayImage& mask, std::span<const Keypoint> keypoints) {
  std::vector<bool> masked;
  masked.reserve(keypoints.size());
  for (const Keypoint& keypoint : keypoints) {
    // The first pixel reaches from 0 to 1; an image's right and lower border belong to its last pixels.
    if (!(keypoint.x >= 0 && keypoint.x <= static_cast<float>(mask.width()) && keypoint.y >= 0 &&
          keypoint.y <= static_cast<float>(mask.height()))) {
      throw InvalidArgument(fmt::format("keypoint {} at ({}, {}) is outside a mask of {}x{} pixels", masked.size(),
                                        keypoint.x, keypoint.y, mask.width(), mask.height()));
    }
    const int x = std::min(static_cast<int>(keypoint.x), mask.width() - 1);
    const int y = std::min(static_cast<int>(keypoint.y), mask.height() - 1);
    masked.push_back(mask.row(y)[x] == 0);
  }
  return masked;
}

}  // namespace twinpatch
