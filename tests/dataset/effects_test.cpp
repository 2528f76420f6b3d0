// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <opencv2/imgcodecs.hpp>

#include "dataset_support.hpp"
#include "photo_effects.hpp"
#include "sequence.hpp"

using namespace twinpatch;
using namespace twinpatch::test;

namespace {

struct Difference {
  int largest = 0;
  double mean_square = 0;
};

Difference difference(const GrayImage& a, const GrayImage& b, int border = 0) {
  Difference result;
  double count = 0;
  for (int y = border; y < a.height() - border; ++y) {
    for (int x = border; x < a.width() - border; ++x) {
      const int d = std::abs(a.row(y)[x] - b.row(y)[x]);
      result.largest = std::max(result.largest, d);
      result.mean_square += d * d;
      ++count;
    }
  }
  result.mean_square /= std::max(1.0, count);
  return result;
}

GrayImage copy(const GrayImage& image) {
  GrayImage result(image.width(), image.height());
  for (int y = 0; y < image.height(); ++y) {
    std::memcpy(result.row(y), image.row(y), static_cast<std::size_t>(image.width()));
  }
  return result;
}

}  // namespace

TEST_CASE("compression changes an image as OpenCV's JPEG does") {
  for (const auto& [width, height] : {std::pair(123, 77), std::pair(64, 64), std::pair(1, 1)}) {
    for (const int quality : {10, 30, 49, 50, 75, 95}) {
      const GrayImage image = textured_image(width, height, 31);
      const cv::Mat pixels(height, width, CV_8UC1, const_cast<std::uint8_t*>(image.row(0)));
      std::vector<unsigned char> bytes;
      REQUIRE(cv::imencode(".jpg", pixels, bytes, {cv::IMWRITE_JPEG_QUALITY, quality}));
      const cv::Mat decoded = cv::imdecode(bytes, cv::IMREAD_GRAYSCALE);
      GrayImage reference(width, height);
      for (int y = 0; y < height; ++y) {
        std::memcpy(reference.row(y), decoded.ptr(y), static_cast<std::size_t>(width));
      }
      GrayImage ours = copy(image);
      dataset::compress(ours, quality);
      const Difference d = difference(ours, reference);
      CAPTURE(width, height, quality, d.largest, d.mean_square);
      // The encoder's integer transform rounds otherwise: now and then a coefficient falls to the other step.
      CHECK(d.mean_square < 0.05 * difference(image, reference).mean_square + 0.3);
    }
  }
}

TEST_CASE("light: nothing changes by factors of one, gamma brightens or darkens, contrast turns about the middle") {
  const GrayImage image = textured_image(40, 30, 32);
  GrayImage same = copy(image);
  dataset::change_light(same, 1.0, 1.0, 0.0);
  CHECK(difference(same, image).largest == 0);
  GrayImage changed(3, 1);
  const std::uint8_t levels[] = {0, 128, 255};
  std::memcpy(changed.row(0), levels, 3);
  dataset::change_light(changed, 2.0, 1.0, 0.0);
  CHECK(changed.row(0)[0] == 0);
  CHECK(changed.row(0)[1] == 64);
  CHECK(changed.row(0)[2] == 255);
  std::memcpy(changed.row(0), levels, 3);
  dataset::change_light(changed, 1.0, 0.5, 10.0);
  CHECK(changed.row(0)[0] == 74);
  CHECK(changed.row(0)[1] == 138);
  CHECK(changed.row(0)[2] == 202);
}

TEST_CASE("noise has its deviation and no bias") {
  GrayImage image(200, 150);
  for (int y = 0; y < 150; ++y) std::memset(image.row(y), 128, 200);
  dataset::Random random(33);
  dataset::add_noise(image, 9.0, random);
  double sum = 0;
  double squares = 0;
  for (int y = 0; y < 150; ++y) {
    for (int x = 0; x < 200; ++x) {
      sum += image.row(y)[x] - 128;
      squares += std::pow(image.row(y)[x] - 128, 2);
    }
  }
  CHECK(sum / 30000 == Approx(0).margin(0.2));
  CHECK(std::sqrt(squares / 30000) == Approx(9.0).epsilon(0.03));
}

TEST_CASE("a warped picture is where its homography says") {
  const GrayImage image = textured_image(220, 180, 34);
  const Homography h{1.1, -0.3, 30, 0.25, 1.05, -25, 2e-4, 1e-4, 1};
  const GrayImage warped = dataset::warp(image, h);
  const GrayImage reference = seen_through(image, h);
  // Compared where both show the picture, not what lies beyond its border.
  const Homography back = inverse(h);
  double squares = 0;
  double count = 0;
  for (int y = 0; y < 180; ++y) {
    for (int x = 0; x < 220; ++x) {
      const double w = back[6] * x + back[7] * y + back[8];
      const double u = (back[0] * x + back[1] * y + back[2]) / w;
      const double v = (back[3] * x + back[4] * y + back[5]) / w;
      if (u < 3 || v < 3 || u > 216 || v > 176) continue;
      squares += std::pow(warped.row(y)[x] - reference.row(y)[x], 2);
      ++count;
    }
  }
  REQUIRE(count > 5000);
  CHECK(std::sqrt(squares / count) < 3.0);
}

TEST_CASE("random homographies are valid, keep the middle in sight and are as strong as asked for") {
  dataset::Random random(35);
  const WarpOptions options;
  double smallest = 10;
  double largest = 0;
  for (int i = 0; i < 500; ++i) {
    const Homography h = dataset::random_homography(640, 480, options, random);
    CHECK_NOTHROW(check_homography(h));
    const auto middle = carry_over({.x = 320, .y = 240, .sigma = 1}, h);
    REQUIRE(middle);
    CHECK(middle->x > -320);
    CHECK(middle->x < 960);
    smallest = std::min<double>(smallest, middle->sigma);
    largest = std::max<double>(largest, middle->sigma);
  }
  CHECK(smallest > 0.35);
  CHECK(smallest < 0.6);
  CHECK(largest > 1.7);
  CHECK(largest < 2.8);
}

TEST_CASE("without any change a picture stays as it is") {
  const GrayImage image = textured_image(50, 60, 36);
  dataset::Random random(37);
  const WarpOptions none{.light = 0, .blur = 0, .noise = 0, .jpeg_quality = 100};
  const auto degraded = dataset::degrade(image, none, random);
  CHECK(difference(degraded.image, image).largest == 0);
  CHECK(degraded.blur == 0.0);
}
