// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "twinpatch/sfm/colmap_model.hpp"

namespace twinpatch {

namespace {

struct ModelFacts {
  std::string_view name;
  int parameters;
  bool one_focal_length;  ///< f, cx, cy, …; else fx, fy, cx, cy, …
};

constexpr std::array<ModelFacts, 11> kModels{{
    {"SIMPLE_PINHOLE", 3, true},
    {"PINHOLE", 4, false},
    {"SIMPLE_RADIAL", 4, true},
    {"RADIAL", 5, true},
    {"OPENCV", 8, false},
    {"OPENCV_FISHEYE", 8, false},
    {"FULL_OPENCV", 12, false},
    {"FOV", 5, false},
    {"SIMPLE_RADIAL_FISHEYE", 4, true},
    {"RADIAL_FISHEYE", 5, true},
    {"THIN_PRISM_FISHEYE", 12, false},
}};

const ModelFacts* facts(CameraModel model) {
  const auto i = static_cast<std::int32_t>(model);
  return i < 0 || i >= static_cast<std::int32_t>(kModels.size()) ? nullptr : &kModels[static_cast<std::size_t>(i)];
}

/// (u, v) times `factor`.
Vector2 scaled(double u, double v, double factor) { return {u * factor, v * factor}; }

/// Coefficients of tangential distortion p1, p2.
Vector2 tangential(double u, double v, double p1, double p2) {
  const double squares = u * u + v * v;
  return {2 * p1 * u * v + p2 * (squares + 2 * u * u), 2 * p2 * u * v + p1 * (squares + 2 * v * v)};
}

/// The equidistant projection: the angle to the axis instead of its tangent.
Vector2 to_fisheye(double u, double v) {
  const double radius = std::hypot(u, v);
  return radius < 1e-12 ? Vector2{u, v} : scaled(u, v, std::atan(radius) / radius);
}

double polynomial(double squares, std::initializer_list<double> coefficients) {
  double power = squares;
  double sum = 1;
  for (const double c : coefficients) {
    sum += c * power;
    power *= squares;
  }
  return sum;
}

/// Where the lens sends a direction (u, v, 1), before focal length and principal point. k: the distortion's parameters.
Vector2 distort(CameraModel model, const double* k, double u, double v) {
  switch (model) {
    case CameraModel::simple_pinhole:
    case CameraModel::pinhole:
      return {u, v};
    case CameraModel::simple_radial:
      return scaled(u, v, polynomial(u * u + v * v, {k[0]}));
    case CameraModel::radial:
      return scaled(u, v, polynomial(u * u + v * v, {k[0], k[1]}));
    case CameraModel::opencv: {
      const Vector2 bent = scaled(u, v, polynomial(u * u + v * v, {k[0], k[1]}));
      const Vector2 shift = tangential(u, v, k[2], k[3]);
      return {bent[0] + shift[0], bent[1] + shift[1]};
    }
    case CameraModel::full_opencv: {
      const double squares = u * u + v * v;
      const double factor = polynomial(squares, {k[0], k[1], k[4]}) / polynomial(squares, {k[5], k[6], k[7]});
      const Vector2 shift = tangential(u, v, k[2], k[3]);
      return {u * factor + shift[0], v * factor + shift[1]};
    }
    case CameraModel::fov: {
      const double radius = std::hypot(u, v);
      if (radius < 1e-9 || std::abs(k[0]) < 1e-9) return {u, v};
      return scaled(u, v, std::atan(2 * radius * std::tan(k[0] / 2)) / (radius * k[0]));
    }
    case CameraModel::opencv_fisheye:
    case CameraModel::simple_radial_fisheye:
    case CameraModel::radial_fisheye:
    case CameraModel::thin_prism_fisheye:
      break;
  }
  const Vector2 f = to_fisheye(u, v);
  const double squares = f[0] * f[0] + f[1] * f[1];
  if (model == CameraModel::simple_radial_fisheye) return scaled(f[0], f[1], polynomial(squares, {k[0]}));
  if (model == CameraModel::radial_fisheye) return scaled(f[0], f[1], polynomial(squares, {k[0], k[1]}));
  if (model == CameraModel::opencv_fisheye) {
    return scaled(f[0], f[1], polynomial(squares, {k[0], k[1], k[2], k[3]}));
  }
  // Thin prism: k1 k2 p1 p2 k3 k4 sx1 sy1.
  const double factor = polynomial(squares, {k[0], k[1], k[4], k[5]});
  const Vector2 shift = tangential(f[0], f[1], k[2], k[3]);
  return {f[0] * factor + shift[0] + k[6] * squares, f[1] * factor + shift[1] + k[7] * squares};
}

}  // namespace

std::string_view camera_model_name(CameraModel model) {
  const ModelFacts* f = facts(model);
  return f == nullptr ? std::string_view{} : f->name;
}

int camera_model_parameters(CameraModel model) {
  const ModelFacts* f = facts(model);
  return f == nullptr ? 0 : f->parameters;
}

Vector3 to_camera(const ColmapImage& image, const Vector3& world) {
  auto [w, x, y, z] = image.rotation;
  const double length = std::sqrt(w * w + x * x + y * y + z * z);
  w /= length, x /= length, y /= length, z /= length;
  const auto& [a, b, c] = world;
  return {(1 - 2 * (y * y + z * z)) * a + 2 * (x * y - w * z) * b + 2 * (x * z + w * y) * c + image.translation[0],
          2 * (x * y + w * z) * a + (1 - 2 * (x * x + z * z)) * b + 2 * (y * z - w * x) * c + image.translation[1],
          2 * (x * z - w * y) * a + 2 * (y * z + w * x) * b + (1 - 2 * (x * x + y * y)) * c + image.translation[2]};
}

Vector3 camera_centre(const ColmapImage& image) {
  ColmapImage inverse = image;
  for (std::size_t i = 1; i < 4; ++i) inverse.rotation[i] = -inverse.rotation[i];
  inverse.translation = {0, 0, 0};
  const Vector3 turned = to_camera(inverse, image.translation);
  return {-turned[0], -turned[1], -turned[2]};
}

std::optional<Vector2> project(const ColmapCamera& camera, const Vector3& in_camera) {
  const ModelFacts* f = facts(camera.model);
  if (f == nullptr || !(in_camera[2] > 1e-9)) return std::nullopt;
  const double u = in_camera[0] / in_camera[2];
  const double v = in_camera[1] / in_camera[2];
  const double* p = camera.parameters.data();
  const double* k = p + (f->one_focal_length ? 3 : 4);
  const Vector2 bent = distort(camera.model, k, u, v);
  // Farther from the axis than the polynomial was fitted for, distortion turns round and brings points back into the
  // image. A step outwards must lead outwards.
  const Vector2 further = distort(camera.model, k, u * 1.01, v * 1.01);
  const double radius = std::hypot(bent[0], bent[1]);
  if (!std::isfinite(radius) || (radius > 1e-6 && std::hypot(further[0], further[1]) <= radius)) return std::nullopt;
  const double fx = p[0];
  const double fy = f->one_focal_length ? p[0] : p[1];
  const double* centre = p + (f->one_focal_length ? 1 : 2);
  return Vector2{fx * bent[0] + centre[0], fy * bent[1] + centre[1]};
}

}  // namespace twinpatch
