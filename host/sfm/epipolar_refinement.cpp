// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "epipolar_refinement.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <opencv2/calib3d.hpp>

namespace twinpatch::sfm {
namespace {

constexpr int kMostSteps = 20;
constexpr double kRelativeGain = 1e-4;  // of the cost; smaller ones end the refinement
constexpr double kDamping = 1e-9;       // of the normal matrix's trace: of a plane, or of E's free rotation

/// What both errors of a match need.
struct Residual {
  double value = 0;          // second' · model · first
  double squared_slope = 0;  // of the value, by the four coordinates
};

Residual residual(const cv::Matx33d& model, const cv::Vec3d& first, const cv::Vec3d& second) {
  const cv::Vec3d line = model * first;
  const cv::Vec3d back = model.t() * second;
  return {second.dot(line), line[0] * line[0] + line[1] * line[1] + back[0] * back[0] + back[1] * back[1]};
}

cv::Vec3d homogeneous(const cv::Point2d& point) { return {point.x, point.y, 1}; }

/// U · diag(1, middle, 0) · V'.
struct Factors {
  cv::Matx33d u;
  double middle = 1;
  cv::Matx33d v;

  [[nodiscard]] cv::Matx33d product() const { return u * cv::Matx33d::diag({1, middle, 0}) * v.t(); }
};

Factors factorise(EpipolarModel kind, const cv::Matx33d& model) {
  cv::Matx31d values;
  cv::Matx33d u;
  cv::Matx33d vt;
  cv::SVD::compute(model, values, u, vt);
  return {u, kind == EpipolarModel::essential ? 1 : values(1) / values(0), vt.t()};
}

cv::Matx33d cross(int axis) {
  cv::Matx33d matrix = cv::Matx33d::zeros();
  matrix((axis + 2) % 3, (axis + 1) % 3) = 1;
  matrix((axis + 1) % 3, (axis + 2) % 3) = -1;
  return matrix;
}

/// Derivatives of the product's nine entries (rows) by rotations of U, rotations of V, and the middle value (columns).
cv::Matx<double, 9, 7> derivatives(const Factors& factors) {
  const cv::Matx33d diagonal = cv::Matx33d::diag({1, factors.middle, 0});
  cv::Matx<double, 9, 7> all;
  const auto set = [&](int column, const cv::Matx33d& by) {
    for (int i = 0; i < 9; ++i) all(i, column) = by.val[i];
  };
  for (int axis = 0; axis < 3; ++axis) {
    set(axis, factors.u * cross(axis) * diagonal * factors.v.t());
    set(3 + axis, factors.u * diagonal * cross(axis).t() * factors.v.t());
  }
  set(6, factors.u * cv::Matx33d::diag({0, 1, 0}) * factors.v.t());
  return all;
}

cv::Matx33d rotation(const cv::Matx<double, 7, 1>& step, int begin) {
  cv::Matx33d matrix;
  cv::Rodrigues(cv::Vec3d(step(begin), step(begin + 1), step(begin + 2)), matrix);
  return matrix;
}

/// The matches, and how far a model is from them.
class Fit {
 public:
  Fit(EpipolarModel kind, const Points& first, const Points& second, double max_error)
      : kind_(kind), first_(first), second_(second), squared_(max_error * max_error) {}

  /// Sum of squared Sampson errors, each at most the bound's square.
  [[nodiscard]] double cost(const cv::Matx33d& model) const {
    double sum = 0;
    for (std::size_t i = 0; i < first_.size(); ++i) {
      const double error = squared_sampson_error(model, first_[i], second_[i]);
      sum += error <= squared_ ? error : squared_;  // of NaN too
    }
    return sum;
  }

  /// A step of Gauss and Newton, the errors' denominators held fixed.
  [[nodiscard]] Factors step(const Factors& factors) const {
    const cv::Matx33d model = factors.product();
    cv::Matx<double, 9, 9> normal = cv::Matx<double, 9, 9>::zeros();
    cv::Matx<double, 9, 1> right = cv::Matx<double, 9, 1>::zeros();
    for (std::size_t i = 0; i < first_.size(); ++i) {
      const cv::Vec3d a = homogeneous(first_[i]);
      const cv::Vec3d b = homogeneous(second_[i]);
      const Residual found = residual(model, a, b);
      if (!(found.value * found.value <= squared_ * found.squared_slope)) continue;
      const cv::Matx33d slope = b * a.t() * (1 / std::sqrt(found.squared_slope));
      const double value = found.value / std::sqrt(found.squared_slope);
      for (int row = 0; row < 9; ++row) {
        right(row) += slope.val[row] * value;
        for (int column = 0; column <= row; ++column) normal(row, column) += slope.val[row] * slope.val[column];
      }
    }
    for (int row = 0; row < 9; ++row) {
      for (int column = row + 1; column < 9; ++column) normal(row, column) = normal(column, row);
    }
    cv::Matx<double, 9, 7> by = derivatives(factors);
    if (kind_ == EpipolarModel::essential) {
      for (int row = 0; row < 9; ++row) by(row, 6) = 0;
    }
    cv::Matx<double, 7, 7> system = by.t() * normal * by;
    const double damping = kDamping * cv::trace(system) + std::numeric_limits<double>::min();
    for (int i = 0; i < 7; ++i) system(i, i) += damping;
    const cv::Matx<double, 7, 1> change = system.solve(by.t() * right, cv::DECOMP_CHOLESKY) * -1;
    return {factors.u * rotation(change, 0), factors.middle + change(6), factors.v * rotation(change, 3)};
  }

 private:
  EpipolarModel kind_;
  const Points& first_;
  const Points& second_;
  double squared_;
};

}  // namespace

double squared_sampson_error(const cv::Matx33d& model, const cv::Point2d& first, const cv::Point2d& second) {
  const Residual found = residual(model, homogeneous(first), homogeneous(second));
  return found.value * found.value / found.squared_slope;
}

cv::Matx33d refine_epipolar(EpipolarModel kind, const cv::Matx33d& model, const Points& first, const Points& second,
                            double max_error) {
  const Fit fit(kind, first, second, max_error);
  cv::Matx33d best = model;
  double least = fit.cost(model);
  Factors factors = factorise(kind, model);
  for (int n = 0; n < kMostSteps; ++n) {
    const Factors next = fit.step(factors);
    const cv::Matx33d tried = next.product();
    const double cost = fit.cost(tried);
    if (!(cost < least)) break;
    const bool little = cost > (1 - kRelativeGain) * least;
    best = tried;
    least = cost;
    factors = next;
    if (little) break;
  }
  return best;
}

}  // namespace twinpatch::sfm
