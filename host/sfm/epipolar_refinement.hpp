// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <vector>

namespace twinpatch::sfm {

using Points = std::vector<cv::Point2d>;

/// Hartley and Zisserman, Multiple View Geometry, equation 11.9.
[[nodiscard]] double squared_sampson_error(const cv::Matx33d& model, const cv::Point2d& first,
                                           const cv::Point2d& second);

enum class EpipolarModel : std::uint8_t { fundamental, essential };

/// A model that fits the matches within `max_error` of it better: the sum of squared Sampson errors, each at most
/// max_error², gets smaller or the model stays as it is. The result has rank 2, and two equal singular values if it is
/// essential. `model` is not zero.
[[nodiscard]] cv::Matx33d refine_epipolar(EpipolarModel kind, const cv::Matx33d& model, const Points& first,
                                          const Points& second, double max_error);

}  // namespace twinpatch::sfm
