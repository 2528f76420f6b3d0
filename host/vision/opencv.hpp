// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

// The one place that knows which OpenCV this is: 5 renamed the features2d module.
#include <opencv2/core.hpp>
#include <opencv2/core/version.hpp>
#include <opencv2/imgproc.hpp>
#if CV_VERSION_MAJOR >= 5
#include <opencv2/features.hpp>
#else
#include <opencv2/features2d.hpp>
#endif

#include "twinpatch/vision/image.hpp"

namespace twinpatch::vision {

/// The same pixels as OpenCV sees them; not to be written to where the image is const.
[[nodiscard]] inline cv::Mat as_mat(const GrayImage& image) {
  return {image.height(), image.width(), CV_8UC1, const_cast<std::uint8_t*>(image.row(0))};
}

}  // namespace twinpatch::vision
