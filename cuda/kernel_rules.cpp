// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "patch_input.hpp"

#include <fmt/format.h>

#include "twinpatch/core/error.hpp"

namespace twinpatch::cuda {

kernels::PixelRule pixel_rule(const Normalisation& normalisation) {
  return {.scale = normalisation.scale,
          .subtract_mean = normalisation.subtract_mean,
          .divide_deviation = normalisation.divide_deviation,
          .epsilon = normalisation.deviation_epsilon};
}

kernels::View view_of(StreamView view) {
  switch (view.kind) {
    case StreamView::Kind::central_crop:
      return kernels::View::central_crop;
    case StreamView::Kind::surround_average:
      return kernels::View::surround_average;
    case StreamView::Kind::whole:
      break;
  }
  return kernels::View::whole;
}

void check_patch_size(const NetworkSpec& spec, int height, int width) {
  if (spec.input) {
    if (*spec.input != Extent{height, width}) {
      throw ShapeError(fmt::format("network {} takes patches of {}×{}, got {}×{}", spec.name, spec.input->height,
                                   spec.input->width, height, width));
    }
  } else if (height < spec.minimum_input.height || width < spec.minimum_input.width) {
    throw ShapeError(fmt::format("network {} takes patches of at least {}×{}, got {}×{}", spec.name,
                                 spec.minimum_input.height, spec.minimum_input.width, height, width));
  }
}

}  // namespace twinpatch::cuda
