// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "patch_frame.hpp"

#include <cmath>

namespace twinpatch::vision {
namespace {

PatchFrame similarity(const Keypoint& keypoint, const CutOptions& options) {
  const double angle = options.upright ? 0.0 : double{keypoint.angle};
  const double step = double{keypoint.sigma} * options.extent / options.side;
  const double along = step * std::cos(angle);
  const double across = step * std::sin(angle);
  return {.x_column = along, .y_column = across, .x_row = -across, .y_row = along};
}

/// The frame with the same ellipse whose columns stay vertical (Perdoch, Chum & Matas 2009): the lower triangle L with
/// L·Lᵀ = A·Aᵀ.
PatchFrame upright(const PatchFrame& frame) {
  const double width = std::hypot(frame.x_column, frame.x_row);
  return {.x_column = width,
          .y_column = (frame.x_column * frame.y_column + frame.x_row * frame.y_row) / width,
          .x_row = 0,
          .y_row = (frame.x_column * frame.y_row - frame.y_column * frame.x_row) / width};
}

}  // namespace

PatchFrame patch_frame(const Keypoint& keypoint, const CutOptions& options) {
  if (!options.affine) return similarity(keypoint, options);
  const AffineShape& shape = *keypoint.shape;
  const double step = double{options.extent} / options.side;
  const PatchFrame frame{
      .x_column = step * shape.a11, .y_column = step * shape.a21, .x_row = step * shape.a12, .y_row = step * shape.a22};
  return options.upright ? upright(frame) : frame;
}

}  // namespace twinpatch::vision
