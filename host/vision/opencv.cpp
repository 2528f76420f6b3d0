// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "opencv.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "twinpatch/core/error.hpp"
#include "twinpatch/vision/opencv_version.hpp"

namespace twinpatch::vision {

std::string one_line(const cv::Exception& error) {
  std::string text = error.err.empty() ? error.what() : error.err;
  std::ranges::replace(text, '\n', ' ');
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

void throw_ours(const std::string& what, const cv::Exception& error) {
  const std::string start = what.empty() ? "" : what + ": ";
  if (error.code == cv::Error::StsNoMem) throw OutOfMemory(fmt::format("{}out of memory ({})", start, one_line(error)));
  throw Error(fmt::format("{}OpenCV: {}", start, one_line(error)));
}

}  // namespace twinpatch::vision

std::string twinpatch::opencv_version() { return cv::getVersionString(); }
