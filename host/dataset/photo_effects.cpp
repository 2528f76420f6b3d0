// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "photo_effects.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <opencv2/imgproc.hpp>

#include "sequence.hpp"

namespace twinpatch::dataset {

namespace {

constexpr double kPi = std::numbers::pi;

cv::Mat as_mat(GrayImage& image) { return {image.height(), image.width(), CV_8UC1, image.row(0)}; }
cv::Mat as_mat(const GrayImage& image) {
  return {image.height(), image.width(), CV_8UC1, const_cast<std::uint8_t*>(image.row(0))};  // only read
}

Homography rotation(double angle) {
  return {std::cos(angle), -std::sin(angle), 0, std::sin(angle), std::cos(angle), 0, 0, 0, 1};
}

Homography shift(double x, double y) { return {1, 0, x, 0, 1, y, 0, 0, 1}; }

double log_uniform(double bound, Random& random) { return std::exp(random.uniform(-std::log(bound), std::log(bound))); }

/// JPEG's luminance table (ITU T.81, annex K), row-major.
constexpr std::array<int, 64> kLuminance{16, 11, 10, 16, 24,  40,  51,  61,  12, 12, 14, 19, 26,  58,  60,  55,
                                         14, 13, 16, 24, 40,  57,  69,  56,  14, 17, 22, 29, 51,  87,  80,  62,
                                         18, 22, 37, 56, 68,  109, 103, 77,  24, 35, 55, 64, 81,  104, 113, 92,
                                         49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99};

/// The table at a quality, by the rule of the reference implementation.
std::array<float, 64> quantisation(int quality) {
  const int scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;
  std::array<float, 64> table{};
  for (std::size_t i = 0; i < table.size(); ++i) {
    table[i] = static_cast<float>(std::clamp((kLuminance[i] * scale + 50) / 100, 1, 255));
  }
  return table;
}

}  // namespace

Homography random_homography(int width, int height, const WarpOptions& options, Random& random) {
  const double turn =
      random.chance(0.25) ? random.uniform(-kPi, kPi) : random.uniform(-1, 1) * options.rotation * kPi / 180.0;
  const double direction = random.uniform(0, kPi);  // of the axis about which the surface is tilted
  const double tilt = std::exp(random.uniform(0, std::log(options.tilt)));
  const double scale = log_uniform(options.scale, random);
  // The tilt shrinks one direction; half of it is given back to the scale, so that views do not only get smaller.
  const Homography size{scale * std::sqrt(tilt), 0, 0, 0, scale / std::sqrt(tilt), 0, 0, 0, 1};
  const double side = std::max(width, height);
  const Homography perspective{1,
                               0,
                               0,
                               0,
                               1,
                               0,
                               random.uniform(-1, 1) * options.perspective / side,
                               random.uniform(-1, 1) * options.perspective / side,
                               1};
  // An enlarged view shows some part of the picture, not always its middle.
  const double room = 0.3 * std::max(0.0, 1.0 - 1.0 / scale);
  const Homography to_middle =
      shift(-width * (0.5 + random.uniform(-room, room)), -height * (0.5 + random.uniform(-room, room)));
  Homography h = product(size, product(rotation(-direction), to_middle));
  h = product(perspective, product(rotation(turn + direction), h));
  return product(shift(width * 0.5, height * 0.5), h);
}

GrayImage warp(const GrayImage& image, const Homography& homography) {
  const cv::Matx33d matrix(homography.data());
  // Reduction by more than a pixel needs smoothing first; one width for the whole picture, that of its middle.
  Keypoint middle{.x = static_cast<float>(image.width()) / 2, .y = static_cast<float>(image.height()) / 2, .sigma = 1};
  const auto carried = carry_over(middle, inverse(homography));
  const double reduction = carried ? carried->sigma : 1.0;
  cv::Mat source = as_mat(image);
  if (reduction > 1.05) {
    cv::Mat smooth;
    cv::GaussianBlur(source, smooth, {}, 0.5 * std::sqrt(reduction * reduction - 1.0), 0, cv::BORDER_REFLECT_101);
    source = smooth;
  }
  GrayImage result(image.width(), image.height());
  cv::Mat target = as_mat(result);
  cv::warpPerspective(source, target, matrix, target.size(), cv::INTER_CUBIC, cv::BORDER_REFLECT_101);
  return result;
}

void change_light(GrayImage& image, double gamma, double contrast, double brightness) {
  std::array<std::uint8_t, 256> table{};
  for (std::size_t i = 0; i < table.size(); ++i) {
    const double lit = 255.0 * std::pow(static_cast<double>(i) / 255.0, gamma);
    table[i] =
        static_cast<std::uint8_t>(std::clamp(std::lround((lit - 128.0) * contrast + 128.0 + brightness), 0L, 255L));
  }
  for (int y = 0; y < image.height(); ++y) {
    std::uint8_t* row = image.row(y);
    for (int x = 0; x < image.width(); ++x) row[x] = table[row[x]];
  }
}

void add_noise(GrayImage& image, double deviation, Random& random) {
  for (int y = 0; y < image.height(); ++y) {
    std::uint8_t* row = image.row(y);
    for (int x = 0; x < image.width(); ++x) {
      // The sum of the four 16-bit parts of one draw: near enough to a normal distribution, at a quarter of the time.
      const std::uint64_t bits = random.next();
      const double sum =
          static_cast<double>((bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48)) /
              65536.0 -
          2.0;
      const double value = row[x] + deviation * sum * std::numbers::sqrt3;  // the sum's variance is 1/3
      row[x] = static_cast<std::uint8_t>(std::clamp(std::lround(value), 0L, 255L));
    }
  }
}

void compress(GrayImage& image, int quality) {
  const auto table = quantisation(std::clamp(quality, 1, 100));
  cv::Mat pixels = as_mat(image);
  cv::Mat padded;
  cv::copyMakeBorder(pixels, padded, 0, (8 - pixels.rows % 8) % 8, 0, (8 - pixels.cols % 8) % 8, cv::BORDER_REPLICATE);
  cv::Mat values;
  padded.convertTo(values, CV_32F, 1.0, -128.0);
  cv::Mat block(8, 8, CV_32F);
  for (int y = 0; y < values.rows; y += 8) {
    for (int x = 0; x < values.cols; x += 8) {
      cv::Mat part = values(cv::Rect(x, y, 8, 8));
      cv::dct(part, block);
      for (int i = 0; i < 64; ++i) {
        float& c = block.at<float>(i / 8, i % 8);
        c = std::nearbyint(c / table[static_cast<std::size_t>(i)]) * table[static_cast<std::size_t>(i)];
      }
      cv::idct(block, part);
    }
  }
  values(cv::Rect(0, 0, pixels.cols, pixels.rows)).convertTo(pixels, CV_8U, 1.0, 128.0);
}

Degraded degrade(const GrayImage& image, const WarpOptions& options, Random& random) {
  Degraded degraded{GrayImage(image.width(), image.height()), 0};
  GrayImage& result = degraded.image;
  cv::Mat target = as_mat(result);
  as_mat(image).copyTo(target);
  if (options.blur > 0 && random.chance(0.5)) {
    degraded.blur = random.uniform(0.3, std::max(0.3, options.blur));
    cv::GaussianBlur(target, target, {}, degraded.blur, 0, cv::BORDER_REFLECT_101);
  }
  if (options.light > 0 && random.chance(0.8)) {
    const double strength = options.light;
    change_light(result, std::exp(random.uniform(-0.6, 0.6) * strength), std::exp(random.uniform(-0.7, 0.3) * strength),
                 random.uniform(-25, 25) * strength);
  }
  if (options.noise > 0 && random.chance(0.6)) {
    add_noise(result, random.uniform(0, 1) * random.uniform(0, 1) * options.noise, random);
  }
  if (options.jpeg_quality < 100 && random.chance(0.6)) {
    compress(result, static_cast<int>(random.uniform(options.jpeg_quality, 96)));
  }
  return degraded;
}

}  // namespace twinpatch::dataset
