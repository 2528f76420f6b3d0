// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <catch2/catch.hpp>
#include <ctime>
#include <numbers>

#include "opencv_matcher.hpp"
#include "support/random.hpp"
#include "twinpatch/net/model.hpp"
#include "twinpatch/vision/cut_patches.hpp"

using namespace twinpatch;

namespace {

std::shared_ptr<Engine> engine_of(const char* name) {
  ExecutionOptions options;
  options.device = "cpu";
  options.threads = 2;
  return std::make_shared<Engine>(random_model(network(name), 4), options);
}

cv::Mat picture(int width, int height, std::uint64_t seed) {
  const auto pixels = test::structured_patches(1, height, width, seed);
  cv::Mat image(height, width, CV_8UC1);
  std::copy(pixels.begin(), pixels.end(), image.data);
  return image;
}

MatrixView view_of(const cv::Mat& rows) { return {rows.ptr<float>(), rows.rows, rows.cols}; }

cv::Mat descriptors(test::Random& random, int count, std::int64_t size) {
  cv::Mat rows(count, static_cast<int>(size), CV_32F);
  for (int i = 0; i < count; ++i) {
    for (int k = 0; k < rows.cols; ++k) rows.at<float>(i, k) = static_cast<float>(random.normal());
  }
  return rows;
}

}  // namespace

TEST_CASE("a cv::Feature2D over the engine describes keypoints as the engine does") {
  const auto engine = engine_of("siam-l2");
  const cv::Ptr<cv::Feature2D> feature = cv::makePtr<TwinpatchDescriptor>(engine);
  CHECK(feature->descriptorSize() == engine->descriptor_size());
  CHECK(feature->descriptorType() == CV_32F);
  const cv::Mat image = picture(150, 110, 5);
  std::vector<cv::KeyPoint> keypoints{
      {30.25F, 40.5F, 8, 30}, {-3, 5, 8, 0}, {149.5F, 109.5F, 5, -1}, {20, 20, 0, 0}, {80, 60, 12, 300}};
  cv::Mat rows;
  feature->compute(image, keypoints, rows);
  REQUIRE(keypoints.size() == 3);  // outside and without a size: dropped
  REQUIRE(rows.rows == 3);
  CHECK(keypoints[2].pt.x == 80);

  GrayImage pixels(150, 110);
  for (int y = 0; y < 110; ++y) std::copy_n(image.ptr(y), 150, pixels.row(y));
  const float pi = std::numbers::pi_v<float>;
  const std::vector<Keypoint> places{
      {30.75F, 41, 4, 30 * pi / 180, 0}, {150, 110, 2.5F, 0, 0}, {80.5F, 60.5F, 6, 300 * pi / 180, 0}};
  ThreadPool pool(1);
  const Matrix expected = engine->describe(cut_patches(pixels, places, {}, pool).view());
  CHECK(std::equal(expected.span().begin(), expected.span().end(), rows.ptr<float>()));

  keypoints.clear();
  feature->compute(image, keypoints, rows);
  CHECK(rows.rows == 0);
}

TEST_CASE("a cv::DescriptorMatcher over the engine finds what every score compared finds") {
  const auto seed = static_cast<std::uint64_t>(std::time(nullptr));
  INFO("seed " << seed);
  test::Random random(seed);
  for (const char* name : {"siam", "siam-l2"}) {
    const auto engine = engine_of(name);
    const cv::Mat query = descriptors(random, 9, engine->descriptor_size());
    const std::vector<cv::Mat> train{descriptors(random, 7, engine->descriptor_size()),
                                     descriptors(random, 2, engine->descriptor_size())};
    cv::Ptr<cv::DescriptorMatcher> matcher = cv::makePtr<TwinpatchMatcher>(engine);
    matcher->add(train);

    std::vector<std::vector<cv::DMatch>> all(9);
    for (int image = 0; image < 2; ++image) {
      engine->grid(view_of(query), view_of(train[static_cast<std::size_t>(image)]),
                   [&](std::int64_t row, std::int64_t column, MatrixView scores) {
                     for (std::int64_t i = 0; i < scores.rows; ++i) {
                       for (std::int64_t j = 0; j < scores.columns; ++j) {
                         all[static_cast<std::size_t>(row + i)].emplace_back(
                             static_cast<int>(row + i), static_cast<int>(column + j), image,
                             -scores.row(i)[static_cast<std::size_t>(j)]);
                       }
                     }
                   });
    }
    for (auto& row : all) std::stable_sort(row.begin(), row.end());
    const auto same = [](const cv::DMatch& a, const cv::DMatch& b) {
      return a.queryIdx == b.queryIdx && a.trainIdx == b.trainIdx && a.imgIdx == b.imgIdx &&
             a.distance == Approx(b.distance).margin(1e-4);
    };
    for (const int k : {1, 3, 20}) {
      std::vector<std::vector<cv::DMatch>> matches;
      matcher->clone()->knnMatch(query, matches, k);
      REQUIRE(matches.size() == 9);
      for (std::size_t i = 0; i < 9; ++i) {
        REQUIRE(matches[i].size() == std::min<std::size_t>(static_cast<std::size_t>(k), 9));
        for (std::size_t j = 0; j < matches[i].size(); ++j) CHECK(same(matches[i][j], all[i][j]));
      }
    }
    // OpenCV takes positive limits alone; learned scores may all be above zero, their distances below.
    const float limit = std::max(all[0][3].distance, 0.01F) + 1e-5F;
    std::vector<std::vector<cv::DMatch>> near;
    matcher->radiusMatch(query, near, limit, cv::noArray(), true);
    std::size_t expected_rows = 0, found = 0, expected = 0;
    for (const auto& row : all) {
      const auto count =
          std::count_if(row.begin(), row.end(), [&](const cv::DMatch& m) { return m.distance <= limit; });
      expected += static_cast<std::size_t>(count);
      expected_rows += count > 0 ? 1 : 0;
    }
    for (const auto& row : near) found += row.size();
    CHECK(near.size() == expected_rows);
    CHECK(found == expected);

    std::vector<cv::DMatch> best;
    matcher->match(query, best);
    REQUIRE(best.size() == 9);
    for (std::size_t i = 0; i < 9; ++i) CHECK(same(best[i], all[i][0]));
    CHECK(matcher->clone(true)->empty());
  }
}
