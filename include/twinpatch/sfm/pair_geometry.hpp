// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <optional>
#include <span>

#include "twinpatch/engine/grid_mask.hpp"
#include "twinpatch/sfm/colmap_model.hpp"
#include "twinpatch/sfm/colmap_writer.hpp"

namespace twinpatch {

/// What two photographs of one scene have to do with each other.
struct PairGeometry {
  enum class Kind {
    fundamental,  ///< x₂ᵀ F x₁ = 0: partners lie on epipolar lines
    homography    ///< x₂ ~ H x₁: of a plane, or of a camera that only turned
  };
  Kind kind = Kind::fundamental;
  std::array<double, 9> matrix{};  ///< row-major, from the first image to the second
};

/// Throws InvalidArgument with the reason: a number that is not finite, a fundamental matrix whose rank is not 2, a
/// homography whose rank is not 3. `extent`: size of the images in pixels, by which ranks are judged.
void check_geometry(const PairGeometry& geometry, double extent);

/// What verify_pair() found, on the pixels of both images: the fundamental matrix, or the homography of a plane or a
/// pure rotation. Nothing for a pair that has neither.
[[nodiscard]] std::optional<PairGeometry> geometry_of(const ColmapGeometry& verified);

/// The pairs of points [left, right] that agree with the geometry within so many pixels: of the epipolar lines in both
/// images, or of where the homography puts each point of the first image. Rows are left points. Time: a sort, and the
/// pairs near the band.
[[nodiscard]] GridMask geometry_mask(const PairGeometry& geometry, std::span<const Vector2> left,
                                     std::span<const Vector2> right, double pixels);

/// x₂ᵀ F x₁ = 0 of two cameras without distortion whose pixels are f x/z, f y/z (origin at the principal point), from
/// their poses. Nothing where the two have one centre: then a homography maps the first to the second.
[[nodiscard]] PairGeometry geometry_of_poses(const ColmapImage& first, double first_focal, const ColmapImage& second,
                                             double second_focal);

}  // namespace twinpatch
