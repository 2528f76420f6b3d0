// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numbers>
#include <tuple>

#include "opencv.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/vision/keypoint.hpp"

namespace twinpatch {
namespace {

/// OpenCV doubles the image with resize(INTER_LINEAR), which puts pixel i of the doubled image at i/2 − 1/4, and then
/// halves coordinates as if it were at i/2: keypoints come out 1/4 pixel too far right and down, at all scales.
constexpr float kUpscaleBias = 0.25F;

/// Below this side SIFT's doubled first octave has no room for a keypoint (a border of 5 pixels is left out).
constexpr int kSmallestSide = 8;

Keypoint from_opencv(const cv::KeyPoint& found) {
  Keypoint keypoint;
  keypoint.x = found.pt.x + 0.5F - kUpscaleBias;
  keypoint.y = found.pt.y + 0.5F - kUpscaleBias;
  keypoint.sigma = found.size / 2;  // already in pixels of the image: only `octave` is packed, and not needed here
  // Degrees from x towards y, in [0, 360).
  keypoint.angle = found.angle * (std::numbers::pi_v<float> / 180.0F);
  keypoint.response = found.response;
  return keypoint;
}

/// A total order, so that the result does not depend on the order of OpenCV's threads.
bool stronger(const Keypoint& a, const Keypoint& b) {
  if (a.response != b.response) return a.response > b.response;
  return std::tie(a.y, a.x, a.sigma, a.angle) < std::tie(b.y, b.x, b.sigma, b.angle);
}

}  // namespace

std::int64_t detection_bytes(int width, int height) {
  // The doubled image has four times the pixels; of each octave there are six blurred images and five differences, of
  // floats, and octaves add up to 4/3 of the first: 4·4·11·4/3 = 235 bytes a pixel; 232 were measured with OpenCV 4.6.
  constexpr std::int64_t kBytesPerPixel = 235;
  return kBytesPerPixel * width * height;
}

std::vector<Keypoint> detect_keypoints(const GrayImage& image, const DetectOptions& options) {
  if (options.max_keypoints < 0) throw InvalidArgument("max_keypoints is negative");
  if (image.width() < kSmallestSide || image.height() < kSmallestSide) return {};
  std::vector<cv::KeyPoint> found;
  // All of them: OpenCV's own limit keeps ties and so may return more than asked for.
  vision::guarded(options.image, [&] { cv::SIFT::create(0)->detect(vision::as_mat(image), found); });

  std::vector<Keypoint> keypoints(found.size());
  std::ranges::transform(found, keypoints.begin(), from_opencv);
  std::ranges::sort(keypoints, stronger);
  const auto limit = static_cast<std::size_t>(options.max_keypoints);
  if (limit > 0 && keypoints.size() > limit) keypoints.resize(limit);
  return keypoints;
}

}  // namespace twinpatch
