// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "colmap_lens.hpp"

#include <opencv2/calib3d.hpp>

namespace twinpatch::sfm {
namespace {

/// A COLMAP camera in OpenCV's words. COLMAP's corner is (0,0) for the principal point and for keypoints alike, so the
/// half pixel between the two programs cancels.
struct Lens {
  cv::Matx33d matrix = cv::Matx33d::eye();
  std::vector<double> distortion;
  bool fisheye = false;
};

/// Parameters are f cx cy … or fx fy cx cy …, then the distortion (src/colmap/sensor/models.h).
std::optional<Lens> lens_of(const ColmapCamera& camera) {
  std::size_t focal_lengths = 2;
  std::size_t distortion = 0;
  bool fisheye = false;
  switch (camera.model) {
    case CameraModel::simple_pinhole:
      focal_lengths = 1;
      break;
    case CameraModel::pinhole:
      break;
    case CameraModel::simple_radial:
      focal_lengths = 1, distortion = 1;
      break;
    case CameraModel::radial:
      focal_lengths = 1, distortion = 2;
      break;
    case CameraModel::opencv:
      distortion = 4;
      break;
    case CameraModel::full_opencv:
      distortion = 8;
      break;
    case CameraModel::opencv_fisheye:
      distortion = 4, fisheye = true;
      break;
    case CameraModel::simple_radial_fisheye:
      focal_lengths = 1, distortion = 1, fisheye = true;
      break;
    case CameraModel::radial_fisheye:
      focal_lengths = 1, distortion = 2, fisheye = true;
      break;
    default:
      return std::nullopt;
  }
  const auto& p = camera.parameters;
  if (p.size() != focal_lengths + 2 + distortion) return std::nullopt;
  Lens lens;
  lens.fisheye = fisheye;
  lens.matrix(0, 0) = p[0];
  lens.matrix(1, 1) = p[focal_lengths - 1];
  lens.matrix(0, 2) = p[focal_lengths];
  lens.matrix(1, 2) = p[focal_lengths + 1];
  if (!(p[0] > 0 && p[focal_lengths - 1] > 0)) return std::nullopt;
  lens.distortion.assign(p.begin() + static_cast<std::ptrdiff_t>(focal_lengths) + 2, p.end());
  // OpenCV's models of four and more coefficients have these as their first ones.
  if (lens.distortion.size() < 4) lens.distortion.resize(4, 0.0);
  return lens;
}

}  // namespace

std::optional<std::vector<cv::Point2d>> normalise(const ColmapCamera& camera, const std::vector<cv::Point2d>& pixels) {
  const auto lens = lens_of(camera);
  if (!lens) return std::nullopt;
  std::vector<cv::Point2d> points;
  if (pixels.empty()) return points;
  if (lens->fisheye) {
    cv::fisheye::undistortPoints(pixels, points, lens->matrix, lens->distortion);
  } else {
    cv::undistortPoints(pixels, points, lens->matrix, lens->distortion);
  }
  return points;
}

double focal_length(const ColmapCamera& camera) {
  const auto lens = lens_of(camera);
  return lens ? (lens->matrix(0, 0) + lens->matrix(1, 1)) / 2 : 0;
}

}  // namespace twinpatch::sfm
