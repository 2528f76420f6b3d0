// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <cmath>
#include <numbers>
#include <tuple>

#include "detection_tiles.hpp"
#include "opencv.hpp"
#include "twinpatch/core/available_memory.hpp"
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

/// The doubled image has four times the pixels; of each octave there are six blurred images and five differences, of
/// floats, and octaves add up to 4/3 of the first: 4·4·11·4/3 = 235 bytes a pixel; 232 were measured with OpenCV 4.6.
constexpr std::int64_t kBytesPerPixel = 235;

/// How much smaller the image is in which keypoints too large for tiles are sought.
constexpr int kReduction = 4;
/// SIFT takes images to be blurred by half a pixel.
constexpr double kCameraBlur = 0.5;

std::int64_t seen_pixels(const vision::DetectionTile& tile) {
  return std::int64_t{tile.seen_x.size()} * tile.seen_y.size();
}

std::int64_t largest_tile_bytes(const std::vector<vision::DetectionTile>& tiles) {
  std::int64_t largest = 1;
  for (const auto& tile : tiles) largest = std::max(largest, seen_pixels(tile));
  return kBytesPerPixel * largest;
}

/// Keypoints of what the tile owns, in the image's coordinates, in any order.
std::vector<Keypoint> detect_in_tile(const cv::Mat& image, const vision::DetectionTile& tile) {
  const cv::Rect seen(tile.seen_x.begin, tile.seen_y.begin, tile.seen_x.size(), tile.seen_y.size());
  std::vector<cv::KeyPoint> found;
  // All of them: OpenCV's own limit keeps ties and so may return more than asked for.
  cv::SIFT::create(0)->detect(image(seen), found);
  std::vector<Keypoint> keypoints;
  keypoints.reserve(found.size());
  for (const cv::KeyPoint& point : found) {
    Keypoint keypoint = from_opencv(point);
    keypoint.x += static_cast<float>(seen.x);
    keypoint.y += static_cast<float>(seen.y);
    if (tile.owned_x.has(keypoint.x) && tile.owned_y.has(keypoint.y)) keypoints.push_back(keypoint);
  }
  return keypoints;
}

/// As many tiles at once as there are threads and memory for.
std::vector<Keypoint> detect_in_tiles(const cv::Mat& image, const std::vector<vision::DetectionTile>& tiles,
                                      const DetectOptions& options, ThreadPool& pool) {
  const std::int64_t memory = options.memory > 0 ? options.memory : available_memory() / 2;
  const std::int64_t fit = std::max<std::int64_t>(1, memory / largest_tile_bytes(tiles));
  std::vector<std::vector<Keypoint>> found(tiles.size());
  std::atomic<std::size_t> next = 0;
  pool.for_ranges(std::min<std::int64_t>({pool.threads(), fit, std::ssize(tiles)}), 1, [&](auto, auto, int) {
    for (std::size_t tile = next++; tile < tiles.size(); tile = next++) {
      vision::guarded(options.image, [&] { found[tile] = detect_in_tile(image, tiles[tile]); });
    }
  });
  std::vector<Keypoint> all;
  for (const auto& some : found) all.insert(all.end(), some.begin(), some.end());
  return all;
}

/// A quarter as wide and high, blurred by half a pixel of its own as SIFT expects; pixel i is the image's pixel 4i.
cv::Mat reduced(const cv::Mat& image) {
  cv::Mat blurred;
  cv::GaussianBlur(image, blurred, {}, kCameraBlur * std::sqrt(kReduction * kReduction - 1.0));
  cv::Mat small;
  const cv::Size size((image.cols + kReduction - 1) / kReduction, (image.rows + kReduction - 1) / kReduction);
  // Not cv::resize, which scales by the rounded sizes.
  small.create(size, CV_8UC1);
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      small.at<std::uint8_t>(y, x) = blurred.at<std::uint8_t>(y * kReduction, x * kReduction);
    }
  }
  return small;
}

Keypoint enlarged(Keypoint keypoint) {
  keypoint.x = (keypoint.x - 0.5F) * kReduction + 0.5F;
  keypoint.y = (keypoint.y - 0.5F) * kReduction + 0.5F;
  keypoint.sigma *= kReduction;
  return keypoint;
}

/// All keypoints in any order.
std::vector<Keypoint> detect_all(const cv::Mat& image, const DetectOptions& options, ThreadPool& pool) {
  if (image.cols < kSmallestSide || image.rows < kSmallestSide) return {};
  const std::vector<vision::DetectionTile> tiles = vision::detection_tiles(image.cols, image.rows);
  std::vector<Keypoint> keypoints = detect_in_tiles(image, tiles, options, pool);
  if (tiles.size() == 1) return keypoints;
  std::erase_if(keypoints, [](const Keypoint& keypoint) { return keypoint.sigma > vision::kTileSigma; });
  const cv::Mat small = vision::guarded(options.image, [&] { return reduced(image); });
  for (const Keypoint& keypoint : detect_all(small, options, pool)) {
    const Keypoint large = enlarged(keypoint);
    if (large.sigma > vision::kTileSigma) keypoints.push_back(large);
  }
  return keypoints;
}

}  // namespace

std::int64_t detection_bytes(int width, int height, int threads) {
  const auto tiles = vision::detection_tiles(width, height);
  const std::int64_t at_once = std::min<std::int64_t>(threads, std::ssize(tiles));
  return at_once * largest_tile_bytes(tiles) + (tiles.size() > 1 ? std::int64_t{width} * height : 0);
}

std::vector<Keypoint> detect_keypoints(const GrayImage& image, const DetectOptions& options, ThreadPool& pool) {
  if (options.max_keypoints < 0) throw InvalidArgument("max_keypoints is negative");
  if (options.memory < 0) throw InvalidArgument("the memory for detection is negative");
  if (image.width() == 0 || image.height() == 0) return {};
  std::vector<Keypoint> keypoints = detect_all(vision::as_mat(image), options, pool);
  std::ranges::sort(keypoints, stronger);
  const auto limit = static_cast<std::size_t>(options.max_keypoints);
  if (limit > 0 && keypoints.size() > limit) keypoints.resize(limit);
  return keypoints;
}

std::vector<Keypoint> detect_keypoints(const GrayImage& image, const DetectOptions& options) {
  ThreadPool alone(1);
  return detect_keypoints(image, options, alone);
}

}  // namespace twinpatch
