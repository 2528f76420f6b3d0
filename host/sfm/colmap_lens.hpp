// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <opencv2/core.hpp>
#include <optional>
#include <vector>

#include "twinpatch/sfm/colmap_model.hpp"

namespace twinpatch::sfm {

/// The points' directions as (x/z, y/z), the lens's distortion undone; nothing for a camera model that OpenCV has no
/// inverse of, or with another number of parameters than the model has.
[[nodiscard]] std::optional<std::vector<cv::Point2d>> normalise(const ColmapCamera& camera,
                                                                const std::vector<cv::Point2d>& pixels);
/// Mean of the focal lengths, pixels.
[[nodiscard]] double focal_length(const ColmapCamera& camera);

}  // namespace twinpatch::sfm
