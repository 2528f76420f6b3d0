// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "collection_images.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include "twinpatch/core/thread_pool.hpp"
#include "twinpatch/vision/cut_patches.hpp"

namespace twinpatch::bench {
namespace {

constexpr int kWidth = 1280;
constexpr int kHeight = 960;

std::vector<std::filesystem::path> find_photographs(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    std::string ending = entry.path().extension().string();
    std::transform(ending.begin(), ending.end(), ending.begin(),
                   [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
    const bool photograph = ending == ".jpg" || ending == ".jpeg" || ending == ".png" || ending == ".ppm";
    if (photograph && entry.file_size() > 100'000) found.push_back(entry.path());  // no thumbnails, faces, strips
  }
  if (found.empty()) throw InvalidArgument(folder.string() + ": no photograph of more than 100 kB under it");
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

MadeImages::MadeImages(const std::filesystem::path& folder, std::int64_t images, int keypoints)
    : photographs_(find_photographs(folder)), keypoints_(static_cast<std::size_t>(images)) {
  ThreadPool pool(0);
  for (std::int64_t n = 0; n < images; ++n) {
    keypoints_[static_cast<std::size_t>(n)] = detect_keypoints(picture(n), {.max_keypoints = keypoints}, pool);
  }
}

std::string MadeImages::name(std::int64_t image) const {
  const auto& photograph = photographs_[static_cast<std::size_t>(image) % photographs_.size()];
  return std::to_string(image) + " of " + photograph.filename().string();
}

std::string MadeImages::content_key(std::int64_t image) const {
  const auto& keypoints = keypoints_[static_cast<std::size_t>(image)];
  return name(image) + " " + content_hash(std::as_bytes(std::span(keypoints)));
}

PatchSet MadeImages::patches(std::int64_t image) const {
  ThreadPool alone(1);
  return cut_patches(picture(image), keypoints_[static_cast<std::size_t>(image)], {}, alone);
}

GrayImage MadeImages::picture(std::int64_t image) const {
  const GrayImage photograph = read_image(photographs_[static_cast<std::size_t>(image) % photographs_.size()]);
  std::mt19937 random(static_cast<unsigned>(image));
  const auto uniform = [&](double low, double high) {
    return low + (high - low) * static_cast<double>(random()) / 4294967296.0;
  };
  const double whole = std::min(photograph.width() / double{kWidth}, photograph.height() / double{kHeight});
  const double scale = whole * uniform(0.6, 0.95);
  const double angle = uniform(-0.3, 0.3);
  const double x0 = photograph.width() / 2.0 + uniform(-0.05, 0.05) * photograph.width();
  const double y0 = photograph.height() / 2.0 + uniform(-0.05, 0.05) * photograph.height();
  GrayImage result(kWidth, kHeight);
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      const double u = (x - kWidth / 2.0) * scale;
      const double v = (y - kHeight / 2.0) * scale;
      const double px = std::clamp(x0 + u * std::cos(angle) - v * std::sin(angle), 0.0, photograph.width() - 1.001);
      const double py = std::clamp(y0 + u * std::sin(angle) + v * std::cos(angle), 0.0, photograph.height() - 1.001);
      const int ix = static_cast<int>(px);
      const int iy = static_cast<int>(py);
      const double fx = px - ix;
      const double fy = py - iy;
      const auto* above = photograph.row(iy) + ix;
      const auto* below = photograph.row(std::min(iy + 1, photograph.height() - 1)) + ix;
      const double value =
          (1 - fy) * ((1 - fx) * above[0] + fx * above[1]) + fy * ((1 - fx) * below[0] + fx * below[1]);
      result.row(y)[x] = static_cast<std::uint8_t>(std::lround(value));
    }
  }
  return result;
}

}  // namespace twinpatch::bench
