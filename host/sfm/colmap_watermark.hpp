// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "robust_estimates.hpp"
#include "twinpatch/sfm/colmap_model.hpp"

namespace twinpatch::sfm {

/// Whether the inliers of two images are a watermark or a date in the picture, as COLMAP decides it: 70 % lie in the
/// outer tenth of both images (of the diagonal, at each side), and 70 % have moved alike, within 4 pixels.
[[nodiscard]] bool is_watermark(const ColmapCamera& first_camera, const Points& first,
                                const ColmapCamera& second_camera, const Points& second,
                                std::span<const std::uint8_t> inliers);

}  // namespace twinpatch::sfm
