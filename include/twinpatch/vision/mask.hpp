// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "twinpatch/vision/image.hpp"
#include "twinpatch/vision/keypoint.hpp"

// Masks of photographs: keypoints on black pixels are not wanted.

namespace twinpatch {

/// The mask of an image called `name` (a path below the photographs' folder) in a folder of masks: "a/b.jpg.png" for
/// a/b.jpg, as COLMAP has it, or "a/b.png". Empty if there is neither.
[[nodiscard]] std::filesystem::path find_mask(const std::filesystem::path& folder, const std::string& name);

/// Which keypoints lie on a pixel of value 0, in their order. Throws InvalidArgument for a keypoint outside the mask.
[[nodiscard]] std::vector<bool> masked_keypoints(const GrayImage& mask, std::span<const Keypoint> keypoints);

}  // namespace twinpatch
