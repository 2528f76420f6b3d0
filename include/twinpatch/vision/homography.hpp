// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "twinpatch/patches/match.hpp"
#include "twinpatch/vision/keypoint.hpp"

namespace twinpatch {

/// Maps points of one image to another, row-major; on pixel coordinates whose first pixel's centre is (0,0), as in the
/// Oxford sequences and OpenCV.
using Homography = std::array<double, 9>;
/// Nine numbers in text, or OpenCV's XML, YAML or JSON with one 3×3 matrix, of at most 1 MiB. Throws FormatError,
/// IoError.
[[nodiscard]] Homography read_homography(const std::filesystem::path& path);
/// Throws InvalidArgument with the reason: not finite, singular, or mirroring the image.
void check_homography(const Homography& homography);
[[nodiscard]] double determinant(const Homography& homography);
[[nodiscard]] Homography inverse(const Homography& homography);
/// First `b`, then `a`.
[[nodiscard]] Homography product(const Homography& a, const Homography& b);

/// Where a point of the first image lies in the second, and the homography's derivative there: how a small step in the
/// first image looks in the second. Both in the library's convention, the first pixel's centre at (0.5, 0.5).
struct CarriedPoint {
  double x = 0, y = 0;
  std::array<double, 4> jacobian{};  ///< row-major: d(x, y in the second) / d(x, y in the first)
};
/// Nothing for a point behind the camera or on the horizon, or if the image is mirrored there.
[[nodiscard]] std::optional<CarriedPoint> carry_point(double x, double y, const Homography& homography);
/// What a map with that derivative makes of a shape.
[[nodiscard]] AffineShape carried_shape(const AffineShape& shape, const std::array<double, 4>& jacobian);
/// The keypoint as it appears in the other image: its place by the homography, its size by the root of the local
/// Jacobian's determinant, its direction by the Jacobian, and so its shape if it has one.
[[nodiscard]] std::optional<Keypoint> carry_over(const Keypoint& keypoint, const Homography& homography);

/// For each match: distance in pixels of the right image between the mapped left keypoint and the right keypoint;
/// infinite for a point on the horizon. Throws InvalidArgument for a keypoint index out of range.
[[nodiscard]] std::vector<double> transfer_errors(std::span<const Keypoint> left, std::span<const Keypoint> right,
                                                  std::span<const Match> matches, const Homography& homography);

}  // namespace twinpatch
