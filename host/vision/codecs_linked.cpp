// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <opencv2/imgcodecs.hpp>

#include "codecs.hpp"

namespace twinpatch::vision {

cv::Mat codecs_decode(cv::InputArray bytes, int flags) { return cv::imdecode(bytes, flags); }

bool codecs_encode(const std::string& extension, cv::InputArray image, std::vector<unsigned char>& bytes,
                   const std::vector<int>& parameters) {
  return cv::imencode(extension, image, bytes, parameters);
}

}  // namespace twinpatch::vision
