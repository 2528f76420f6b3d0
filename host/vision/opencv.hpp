// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

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

/// OpenCV's exceptions tell several lines about its inside. What they mean, in one.
[[nodiscard]] std::string one_line(const cv::Exception& error);
/// Throws OutOfMemory or Error in the place of OpenCV's exception; the message begins with `what`, an image's name.
[[noreturn]] void throw_ours(const std::string& what, const cv::Exception& error);

/// Calls OpenCV; its exceptions become ours.
template <class Call>
decltype(auto) guarded(const std::string& what, Call&& call) {
  try {
    return call();
  } catch (const cv::Exception& error) {
    throw_ours(what, error);
  }
}

/// The same pixels as OpenCV sees them; not to be written to where the image is const.
[[nodiscard]] inline cv::Mat as_mat(const GrayImage& image) {
  return {image.height(), image.width(), CV_8UC1, const_cast<std::uint8_t*>(image.row(0))};
}

}  // namespace twinpatch::vision
