// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>

#include "twinpatch/vision/keypoint.hpp"

namespace twinpatch {
namespace {

double determinant(const AffineShape& shape) { return double{shape.a11} * shape.a22 - double{shape.a12} * shape.a21; }

bool is_finite(const AffineShape& shape) {
  return std::isfinite(shape.a11) && std::isfinite(shape.a12) && std::isfinite(shape.a21) && std::isfinite(shape.a22);
}

}  // namespace

ShapeAxes axes_of(const AffineShape& shape) {
  // Sum and difference of the two singular values, for a determinant above 0.
  const double sum = std::hypot(double{shape.a11} + shape.a22, double{shape.a21} - shape.a12);
  const double difference = std::hypot(double{shape.a11} - shape.a22, double{shape.a21} + shape.a12);
  return {(sum + difference) / 2, std::abs(sum - difference) / 2};
}

Keypoint keypoint_with_shape(float x, float y, const AffineShape& shape) {
  return {.x = x,
          .y = y,
          .sigma = (std::hypot(shape.a11, shape.a21) + std::hypot(shape.a12, shape.a22)) / 2.0F,
          .angle = std::atan2(shape.a21, shape.a11),
          .response = 0,
          .shape = shape};
}

std::string shape_fault(const Keypoint& keypoint) {
  if (!keypoint.shape) return "has no affine shape";
  const AffineShape& shape = *keypoint.shape;
  const std::string text = fmt::format("shape {} {} {} {}", shape.a11, shape.a12, shape.a21, shape.a22);
  if (!is_finite(shape)) return fmt::format("has the {}, expected finite numbers", text);
  if (determinant(shape) < 0) return fmt::format("has the {}, which is mirrored", text);
  const ShapeAxes axes = axes_of(shape);
  if (!(axes.longer > 0)) return fmt::format("has the {}, which is no area", text);
  if (axes.longer <= kMostElongated * axes.shorter) return {};
  return fmt::format("has the {}, more than {} times as long as wide", text, kMostElongated);
}

}  // namespace twinpatch
