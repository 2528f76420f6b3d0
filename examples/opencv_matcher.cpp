// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "opencv_matcher.hpp"

#include <algorithm>
#include <numbers>

#include "twinpatch/net/patch_extent.hpp"
#include "twinpatch/vision/cut_patches.hpp"
#include "twinpatch/vision/image.hpp"

namespace {

twinpatch::GrayImage gray_image(const cv::Mat& image) {
  CV_Assert(image.type() == CV_8UC1);
  twinpatch::GrayImage pixels(image.cols, image.rows);
  for (int y = 0; y < image.rows; ++y) std::copy_n(image.ptr(y), image.cols, pixels.row(y));
  return pixels;
}

/// OpenCV's first pixel has its centre at (0, 0), its sizes are diameters, its angles degrees (-1: none).
twinpatch::Keypoint keypoint_of(const cv::KeyPoint& point) {
  const float angle = point.angle < 0 ? 0.0F : point.angle * std::numbers::pi_v<float> / 180;
  return {.x = point.pt.x + 0.5F, .y = point.pt.y + 0.5F, .sigma = point.size / 2, .angle = angle};
}

twinpatch::MatrixView view_of(const cv::Mat& rows) {
  CV_Assert(rows.empty() || (rows.type() == CV_32FC1 && rows.isContinuous()));
  return {rows.ptr<float>(), rows.rows, rows.cols};
}

/// Best first, ties by image and row; `compact` drops rows without a match.
void tidy(std::vector<std::vector<cv::DMatch>>& matches, std::size_t most, bool compact) {
  for (auto& row : matches) {
    std::ranges::stable_sort(row, {}, &cv::DMatch::distance);
    row.resize(std::min(row.size(), most));
  }
  if (compact) std::erase_if(matches, [](const auto& row) { return row.empty(); });
}

}  // namespace

void TwinpatchDescriptor::compute(cv::InputArray image, std::vector<cv::KeyPoint>& keypoints,
                                  cv::OutputArray descriptors) {
  const twinpatch::GrayImage pixels = gray_image(image.getMat());
  std::erase_if(keypoints, [&](const cv::KeyPoint& point) {
    const bool inside = point.pt.x >= -0.5F && point.pt.y >= -0.5F &&
                        point.pt.x <= static_cast<float>(pixels.width()) - 0.5F &&
                        point.pt.y <= static_cast<float>(pixels.height()) - 0.5F;
    return !inside || !(point.size > 0);
  });
  std::vector<twinpatch::Keypoint> places(keypoints.size());
  std::ranges::transform(keypoints, places.begin(), &keypoint_of);
  twinpatch::ThreadPool pool(0);
  // As wide as the model was trained on, if it says so.
  const float extent = twinpatch::patch_extent(engine_->model()).value_or(12.0F);
  const auto patches = twinpatch::cut_patches(pixels, places, {.extent = extent}, pool);
  const twinpatch::Matrix rows = engine_->describe(patches.view());
  descriptors.create(static_cast<int>(rows.rows()), descriptorSize(), CV_32F);
  std::ranges::copy(rows.span(), descriptors.getMat().ptr<float>());
}

cv::Ptr<cv::DescriptorMatcher> TwinpatchMatcher::clone(bool empty_train_data) const {
  auto copy = cv::makePtr<TwinpatchMatcher>(engine_);
  if (!empty_train_data) copy->add(trainDescCollection);
  return copy;
}

void TwinpatchMatcher::knnMatchImpl(cv::InputArray query, std::vector<std::vector<cv::DMatch>>& matches, int k,
                                    cv::InputArrayOfArrays /*masks*/, bool compact) {
  const cv::Mat rows = query.getMat();
  matches.assign(static_cast<std::size_t>(rows.rows), {});
  for (int image = 0; image < static_cast<int>(trainDescCollection.size()); ++image) {
    const auto best =
        engine_->grid(view_of(rows), view_of(trainDescCollection[static_cast<std::size_t>(image)]), {.top_k = k});
    for (int i = 0; i < rows.rows; ++i) {
      for (int place = 0; place < k; ++place) {
        const auto at = static_cast<std::int64_t>(i) * k + place;
        const int found = best.indices.data()[at];  // -1: fewer rows than k
        if (found >= 0) matches[static_cast<std::size_t>(i)].emplace_back(i, found, image, -best.scores.data()[at]);
      }
    }
  }
  tidy(matches, static_cast<std::size_t>(k), compact);
}

void TwinpatchMatcher::radiusMatchImpl(cv::InputArray query, std::vector<std::vector<cv::DMatch>>& matches,
                                       float max_distance, cv::InputArrayOfArrays /*masks*/, bool compact) {
  const cv::Mat rows = query.getMat();
  matches.assign(static_cast<std::size_t>(rows.rows), {});
  for (int image = 0; image < static_cast<int>(trainDescCollection.size()); ++image) {
    const auto keep = [&](std::int64_t first_row, std::int64_t first_column, twinpatch::MatrixView scores) {
      for (std::int64_t i = 0; i < scores.rows; ++i) {
        for (std::int64_t j = 0; j < scores.columns; ++j) {
          const float distance = -scores.row(i)[static_cast<std::size_t>(j)];
          if (distance > max_distance) continue;
          matches[static_cast<std::size_t>(first_row + i)].emplace_back(
              static_cast<int>(first_row + i), static_cast<int>(first_column + j), image, distance);
        }
      }
    };
    engine_->grid(view_of(rows), view_of(trainDescCollection[static_cast<std::size_t>(image)]), keep);
  }
  tidy(matches, std::numeric_limits<std::size_t>::max(), compact);
}
