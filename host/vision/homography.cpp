// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "twinpatch/core/error.hpp"
#include "twinpatch/vision/homography.hpp"

namespace twinpatch {
double determinant(const Homography& h) {
  return h[0] * (h[4] * h[8] - h[5] * h[7]) - h[1] * (h[3] * h[8] - h[5] * h[6]) + h[2] * (h[3] * h[7] - h[4] * h[6]);
}

void check_homography(const Homography& h) {
  double squares = 0;
  for (const double value : h) {
    if (!std::isfinite(value)) throw InvalidArgument("the homography has a value that is not finite");
    squares += value * value;
  }
  // Relative to the matrix's own size; pixels make the translation's column large, hence the small bound.
  if (squares == 0 || std::abs(determinant(h)) < 1e-12 * std::pow(squares, 1.5)) {
    throw InvalidArgument("the homography is singular");
  }
  if (determinant(h) * h[8] < 0) throw InvalidArgument("the homography mirrors the image");
}

Homography inverse(const Homography& h) {
  const double d = determinant(h);
  return {(h[4] * h[8] - h[5] * h[7]) / d, (h[2] * h[7] - h[1] * h[8]) / d, (h[1] * h[5] - h[2] * h[4]) / d,
          (h[5] * h[6] - h[3] * h[8]) / d, (h[0] * h[8] - h[2] * h[6]) / d, (h[2] * h[3] - h[0] * h[5]) / d,
          (h[3] * h[7] - h[4] * h[6]) / d, (h[1] * h[6] - h[0] * h[7]) / d, (h[0] * h[4] - h[1] * h[3]) / d};
}

Homography product(const Homography& a, const Homography& b) {
  Homography result{};
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      for (std::size_t k = 0; k < 3; ++k) result[3 * i + j] += a[3 * i + k] * b[3 * k + j];
    }
  }
  return result;
}

std::optional<CarriedPoint> carry_point(double point_x, double point_y, const Homography& h) {
  // Homographies count from the centre of the first pixel, keypoints from the image's corner.
  const double x = point_x - 0.5;
  const double y = point_y - 0.5;
  const double w = h[6] * x + h[7] * y + h[8];
  // The sign of the whole matrix is arbitrary; the first image's corner is taken to be in front of the camera.
  if (w * h[8] <= 1e-9 * h[8] * h[8]) return std::nullopt;
  const double u = (h[0] * x + h[1] * y + h[2]) / w;
  const double v = (h[3] * x + h[4] * y + h[5]) / w;
  CarriedPoint carried{
      u + 0.5, v + 0.5, {(h[0] - u * h[6]) / w, (h[1] - u * h[7]) / w, (h[3] - v * h[6]) / w, (h[4] - v * h[7]) / w}};
  const auto& j = carried.jacobian;
  if (!(j[0] * j[3] - j[1] * j[2] > 1e-12)) return std::nullopt;
  return carried;
}

AffineShape carried_shape(const AffineShape& shape, const std::array<double, 4>& jacobian) {
  const auto product = [](double left, float upper, double right, float lower) {
    return static_cast<float>(left * upper + right * lower);
  };
  const auto& j = jacobian;
  return {product(j[0], shape.a11, j[1], shape.a21), product(j[0], shape.a12, j[1], shape.a22),
          product(j[2], shape.a11, j[3], shape.a21), product(j[2], shape.a12, j[3], shape.a22)};
}

std::optional<Keypoint> carry_over(const Keypoint& keypoint, const Homography& homography) {
  const auto point = carry_point(keypoint.x, keypoint.y, homography);
  if (!point) return std::nullopt;
  const auto& j = point->jacobian;
  const double c = std::cos(keypoint.angle);
  const double s = std::sin(keypoint.angle);
  Keypoint carried = keypoint;
  carried.x = static_cast<float>(point->x);
  carried.y = static_cast<float>(point->y);
  carried.sigma = static_cast<float>(keypoint.sigma * std::sqrt(j[0] * j[3] - j[1] * j[2]));
  carried.angle = static_cast<float>(std::atan2(j[2] * c + j[3] * s, j[0] * c + j[1] * s));
  if (keypoint.shape) carried.shape = carried_shape(*keypoint.shape, j);
  return carried;
}

std::vector<double> transfer_errors(std::span<const Keypoint> left, std::span<const Keypoint> right,
                                    std::span<const Match> matches, const Homography& homography) {
  std::vector<double> errors;
  errors.reserve(matches.size());
  const Homography& h = homography;
  for (const Match& match : matches) {
    if (match.left < 0 || match.right < 0 || static_cast<std::size_t>(match.left) >= left.size() ||
        static_cast<std::size_t>(match.right) >= right.size()) {
      throw InvalidArgument(fmt::format("match {} of keypoints {} and {}, of which there are {} and {}", errors.size(),
                                        match.left, match.right, left.size(), right.size()));
    }
    const Keypoint& from = left[static_cast<std::size_t>(match.left)];
    const Keypoint& to = right[static_cast<std::size_t>(match.right)];
    // Keypoints have the first pixel's centre at (0.5, 0.5), homographies at (0, 0).
    const double x = double{from.x} - 0.5;
    const double y = double{from.y} - 0.5;
    const double w = h[6] * x + h[7] * y + h[8];
    const double distance = std::hypot((h[0] * x + h[1] * y + h[2]) / w - (double{to.x} - 0.5),
                                       (h[3] * x + h[4] * y + h[5]) / w - (double{to.y} - 0.5));
    // A point on the horizon goes nowhere.
    errors.push_back(std::isfinite(distance) ? distance : std::numeric_limits<double>::infinity());
  }
  return errors;
}

}  // namespace twinpatch
