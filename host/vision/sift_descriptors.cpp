// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/vision/sift_descriptors.hpp"

#include <fmt/format.h>

#include <cmath>

#include "opencv.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch {

Matrix root_sift(PatchView patches) {
  if (patches.type != PixelType::u8) throw InvalidArgument("root-SIFT needs grey levels (uint8 patches)");
  constexpr int kLength = 128;
  Matrix rows(patches.count, kLength);
  const cv::Ptr<cv::SIFT> sift = cv::SIFT::create();
  for (std::int64_t i = 0; i < patches.count; ++i) {
    // OpenCV's interface takes no const pixels; they are only read.
    const cv::Mat patch(patches.height, patches.width, CV_8UC1, const_cast<void*>(patches.slice(i, 1).pixels));
    // The window of SIFT is 12σ = 6 × size wide; angle 0 means upright.
    const float size = static_cast<float>(patches.width) / 6.0F;
    std::vector<cv::KeyPoint> keypoints{cv::KeyPoint(static_cast<float>(patches.width - 1) / 2.0F,
                                                     static_cast<float>(patches.height - 1) / 2.0F, size, 0.0F)};
    cv::Mat descriptor;
    sift->compute(patch, keypoints, descriptor);
    if (descriptor.rows != 1 || descriptor.cols != kLength) {
      throw Error(fmt::format("OpenCV computed {} SIFT descriptors for patch {}; expected one", descriptor.rows, i));
    }
    const auto* values = descriptor.ptr<float>();
    float sum = 0;
    for (int k = 0; k < kLength; ++k) sum += std::abs(values[k]);
    for (int k = 0; k < kLength; ++k)
      rows.row(i)[static_cast<std::size_t>(k)] = sum > 0 ? std::sqrt(values[k] / sum) : 0;
  }
  return rows;
}

}  // namespace twinpatch
