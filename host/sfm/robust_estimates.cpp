// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "robust_estimates.hpp"

#include <algorithm>
#include <opencv2/calib3d.hpp>
#include <optional>

namespace twinpatch::sfm {
namespace {

// Where matches come with the best one first, a few uniform samples are tried before PROSAC: they suffice where most
// matches are right, and there PROSAC likes models of the plane that has the best ones.
constexpr int kUniformTrials = 100;
constexpr double kMostlyRight = 0.75;  // then all samples of seven have a wrong match with a probability below 1e-6

cv::UsacParams parameters(const RobustOptions& options, bool prosac) {
  cv::UsacParams usac;
  usac.confidence = options.confidence;
  usac.maxIterations = options.max_iterations;
  usac.threshold = options.max_error;
  // As USAC_ACCURATE. On the few pairs with few right matches that were tried it kept more of them than MAGSAC's
  // scores; on most pairs the two agree within some percent.
  usac.score = cv::SCORE_METHOD_MSAC;
  usac.sampler = prosac ? cv::SAMPLING_PROSAC : cv::SAMPLING_UNIFORM;
  usac.loMethod = cv::LOCAL_OPTIM_GC;
  usac.loSampleSize = 20;
  usac.isParallel = false;  // the same result every time
  usac.randomGeneratorState = 0;
  return usac;
}

double squared_transfer_error(const cv::Matx33d& model, const cv::Point2d& first, const cv::Point2d& second) {
  const cv::Vec3d there = model * cv::Vec3d(first.x, first.y, 1);
  const double x = there[0] / there[2] - second.x;
  const double y = there[1] / there[2] - second.y;
  return x * x + y * y;
}

/// A 3×3 matrix that may be none.
std::optional<cv::Matx33d> model_of(const cv::Mat& matrix) {
  if (matrix.rows != 3 || matrix.cols != 3 || !cv::checkRange(matrix) || cv::norm(matrix) == 0) return std::nullopt;
  cv::Mat values;
  matrix.convertTo(values, CV_64F);
  return cv::Matx33d(values);
}

template <class SquaredError>
Estimate with_inliers(const cv::Matx33d& model, const Points& first, const Points& second, double max_error,
                      SquaredError squared_error) {
  Estimate estimate;
  std::copy_n(model.val, 9, estimate.matrix.begin());
  estimate.mask.reserve(first.size());
  for (std::size_t i = 0; i < first.size(); ++i) {
    const bool agrees = squared_error(model, first[i], second[i]) <= max_error * max_error;  // NaN does not
    estimate.mask.push_back(agrees ? 1 : 0);
    estimate.inliers += agrees ? 1 : 0;
  }
  return estimate;
}

/// Pixels about their mean, in units that make all entries of a fundamental matrix about as large. Both images take
/// the same unit, so that errors stay comparable.
struct Scaling {
  static constexpr double kUnit = 1000;  // pixels
  explicit Scaling(const Points& pixels) {
    for (const cv::Point2d& pixel : pixels) centre += pixel / static_cast<double>(pixels.size());
    points.reserve(pixels.size());
    for (const cv::Point2d& pixel : pixels) points.push_back((pixel - centre) / kUnit);
    matrix = {1 / kUnit, 0, -centre.x / kUnit, 0, 1 / kUnit, -centre.y / kUnit, 0, 0, 1};
  }
  cv::Point2d centre{};
  Points points;
  cv::Matx33d matrix;  ///< from pixels
};

/// The better one of what `estimate(parameters)` finds.
template <class Estimator>
Estimate best_estimate(const RobustOptions& options, std::size_t matches, Estimator estimate) {
  if (!options.best_first) return estimate(parameters(options, false));
  RobustOptions few = options;
  few.max_iterations = std::min(options.max_iterations, kUniformTrials);
  Estimate uniform = estimate(parameters(few, false));
  if (uniform.inliers >= kMostlyRight * static_cast<double>(matches)) return uniform;
  Estimate best_first = estimate(parameters(options, true));
  return best_first.inliers > uniform.inliers ? best_first : uniform;
}

}  // namespace

Estimate fundamental_matrix(const Points& first, const Points& second, const RobustOptions& options) {
  const Scaling left(first);
  const Scaling right(second);
  return best_estimate(options, first.size(), [&](const cv::UsacParams& usac) -> Estimate {
    cv::Mat mask;
    const auto found = model_of(cv::findFundamentalMat(first, second, mask, usac));
    if (!found) return {};
    const cv::Matx33d scaled = right.matrix.inv().t() * *found * left.matrix.inv();
    const cv::Matx33d refined = refine_epipolar(EpipolarModel::fundamental, scaled * (1 / cv::norm(scaled)),
                                                left.points, right.points, options.max_error / Scaling::kUnit);
    const cv::Matx33d model = right.matrix.t() * refined * left.matrix;
    return with_inliers(model * (1 / cv::norm(model)), first, second, options.max_error, squared_sampson_error);
  });
}

Estimate homography(const Points& first, const Points& second, const RobustOptions& options) {
  return best_estimate(options, first.size(), [&](const cv::UsacParams& usac) -> Estimate {
    cv::Mat mask;
    const auto found = model_of(cv::findHomography(first, second, mask, usac));
    if (!found) return {};
    return with_inliers(*found, first, second, options.max_error, squared_transfer_error);
  });
}

Estimate essential_matrix(const Points& first, const Points& second, const RobustOptions& options) {
  const cv::Mat identity = cv::Mat::eye(3, 3, CV_64F);
  return best_estimate(options, first.size(), [&](const cv::UsacParams& usac) -> Estimate {
    cv::Mat mask;
    const auto found =
        model_of(cv::findEssentialMat(first, second, identity, identity, cv::noArray(), cv::noArray(), mask, usac));
    if (!found) return {};
    const cv::Matx33d model = refine_epipolar(EpipolarModel::essential, *found, first, second, options.max_error);
    return with_inliers(model, first, second, options.max_error, squared_sampson_error);
  });
}

}  // namespace twinpatch::sfm
