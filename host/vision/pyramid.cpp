// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "pyramid.hpp"

#include <algorithm>

#include "opencv.hpp"

namespace twinpatch::vision {
namespace {

constexpr int kPadding = 16;  // pixels behind the last row: a vector load may start at any pixel of it

PyramidLevel make_level(int width, int height) {
  PyramidLevel level;
  level.width = width;
  level.height = height;
  level.stride = width;
  level.pixels = Buffer<std::uint16_t>(level.stride * (height + 1) + kPadding);
  std::fill(level.pixels.data() + level.stride * height, level.pixels.data() + level.pixels.size(), std::uint16_t{0});
  return level;
}

cv::Mat as_mat(PyramidLevel& level) {
  return {level.height, level.width, CV_16UC1, level.pixels.data(), static_cast<std::size_t>(level.stride) * 2};
}

}  // namespace

Pyramid::Pyramid(const GrayImage& image, int levels) {
  levels_.push_back(make_level(image.width(), image.height()));
  cv::Mat base = as_mat(levels_.back());
  vision::as_mat(image).convertTo(base, CV_16U, 256.0);
  while (static_cast<int>(levels_.size()) < levels) {
    PyramidLevel& fine = levels_.back();
    if (fine.width == 1 && fine.height == 1) break;
    PyramidLevel coarse = make_level((fine.width + 1) / 2, (fine.height + 1) / 2);
    cv::Mat target = as_mat(coarse);
    cv::pyrDown(as_mat(fine), target, target.size(), cv::BORDER_REPLICATE);
    levels_.push_back(std::move(coarse));
  }
}

}  // namespace twinpatch::vision
