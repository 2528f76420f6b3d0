// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "apps/frame/session.hpp"
#include "twinpatch/sfm/feature_image_source.hpp"

namespace twinpatch::app {

/// What --masks hides.
struct MaskSummary {
  std::int64_t images = 0;  ///< with a mask
  std::int64_t keypoints = 0;
  std::int64_t masked = 0;             ///< of them under a mask
  std::vector<std::string> without;    ///< images without a mask
  std::vector<std::string> all_black;  ///< images whose mask hides everything
};

/// Reads the masks of the images that have keypoints, but for those in `leave_out`, and says what they hide; does
/// nothing without a folder. Throws InvalidArgument if no image has a mask and for masks of another size than their
/// photographs, naming them; IoError, FormatError.
std::optional<MaskSummary> apply_masks(Session& session, const std::string& folder,
                                       const std::vector<std::string>& leave_out, std::vector<FeatureImage>& images,
                                       const FeatureImageSource::LoadKeypoints& load);
/// For --json; null without masks.
[[nodiscard]] nlohmann::ordered_json masks_json(const std::optional<MaskSummary>& masks);

}  // namespace twinpatch::app
