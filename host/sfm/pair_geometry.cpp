// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/sfm/pair_geometry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>

#include "twinpatch/core/error.hpp"

// Hartley & Zisserman, Multiple View Geometry, 2nd ed.: chapter 9 (F, E), 13 (homographies of rotations).

namespace twinpatch {
namespace {

/// Ratios of singular values below which one counts as zero. Estimates in double precision have 10⁻¹² and less, those
/// stored in single precision 10⁻⁷; fundamental matrices before their rank is forced have 10⁻³ and more.
constexpr double kZero = 1e-5;
constexpr double kSingular = 1e-9;

cv::Matx33d matrix_of(const std::array<double, 9>& values) { return cv::Matx33d(values.data()); }

cv::Matx33d rotation_of(const ColmapImage& image) {
  const auto [w, x, y, z] = image.rotation;
  const double n = w * w + x * x + y * y + z * z;
  const double s = 2 / n;
  return {1 - s * (y * y + z * z), s * (x * y - w * z),     s * (x * z + w * y),  //
          s * (x * y + w * z),     1 - s * (x * x + z * z), s * (y * z - w * x),  //
          s * (x * z - w * y),     s * (y * z + w * x),     1 - s * (x * x + y * y)};
}

cv::Matx33d cross(const cv::Vec3d& t) { return {0, -t[2], t[1], t[2], 0, -t[0], -t[1], t[0], 0}; }

std::array<double, 9> values_of(const cv::Matx33d& matrix) {
  std::array<double, 9> values{};
  std::copy_n(matrix.val, 9, values.begin());
  return values;
}

}  // namespace

void check_geometry(const PairGeometry& geometry, double extent) {
  for (const double value : geometry.matrix) {
    if (!std::isfinite(value))
      throw InvalidArgument(fmt::format("its matrix has a number that is not finite ({})", value));
  }
  // In coordinates of about 1, as ranks are judged by singular values.
  const cv::Matx33d scale = cv::Matx33d::diag({extent, extent, 1});
  const bool fundamental = geometry.kind == PairGeometry::Kind::fundamental;
  const cv::Matx33d matrix = matrix_of(geometry.matrix);
  const cv::Matx33d scaled = fundamental ? scale * matrix * scale : scale.inv() * matrix * scale;
  cv::Vec3d singular;
  cv::SVD::compute(scaled, singular, cv::SVD::NO_UV);
  if (!(singular[0] > 0)) throw InvalidArgument("its matrix is zero");
  if (fundamental && singular[2] > kZero * singular[0]) {
    throw InvalidArgument(
        fmt::format("its fundamental matrix has rank 3, expected 2 (singular values {:.3g}, {:.3g}, {:.3g})",
                    singular[0], singular[1], singular[2]));
  }
  if (fundamental && singular[1] < kSingular * singular[0]) {
    throw InvalidArgument("its fundamental matrix has rank 1, expected 2");
  }
  if (!fundamental && singular[2] < kSingular * singular[0]) throw InvalidArgument("its homography is singular");
}

std::optional<PairGeometry> geometry_of(const ColmapGeometry& verified) {
  using Kind = PairGeometry::Kind;
  const bool along_lines = verified.config == ColmapConfig::calibrated || verified.config == ColmapConfig::uncalibrated;
  if (along_lines && verified.fundamental) return PairGeometry{Kind::fundamental, *verified.fundamental};
  if (verified.config == ColmapConfig::planar_or_panoramic && verified.homography) {
    return PairGeometry{Kind::homography, *verified.homography};
  }
  return std::nullopt;
}

PairGeometry geometry_of_poses(const ColmapImage& first, double first_focal, const ColmapImage& second,
                               double second_focal) {
  // x₂ = R x₁ + t, in the cameras' frames.
  const cv::Matx33d first_rotation = rotation_of(first);
  const cv::Matx33d rotation = rotation_of(second) * first_rotation.t();
  const cv::Vec3d translation = cv::Vec3d(second.translation.data()) - rotation * cv::Vec3d(first.translation.data());
  const cv::Matx33d to_ray = cv::Matx33d::diag({1 / first_focal, 1 / first_focal, 1});
  const double depth = cv::norm(cv::Vec3d(first.translation.data())) + cv::norm(cv::Vec3d(second.translation.data()));
  if (cv::norm(translation) <= 1e-9 * depth || cv::norm(translation) == 0) {
    const cv::Matx33d to_pixel = cv::Matx33d::diag({second_focal, second_focal, 1});
    return {PairGeometry::Kind::homography, values_of(to_pixel * rotation * to_ray)};
  }
  const cv::Matx33d from_pixel = cv::Matx33d::diag({1 / second_focal, 1 / second_focal, 1});
  const cv::Vec3d direction = translation / cv::norm(translation);
  return {PairGeometry::Kind::fundamental, values_of(from_pixel * cross(direction) * rotation * to_ray)};
}

}  // namespace twinpatch
