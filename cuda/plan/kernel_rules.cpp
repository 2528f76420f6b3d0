// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/kernel_rules.hpp"

namespace twinpatch::cuda {

kernels::PixelRule pixel_rule(const Normalisation& normalisation) {
  return {.scale = normalisation.scale,
          .subtract_mean = normalisation.subtract_mean,
          .divide_deviation = normalisation.divide_deviation,
          .epsilon = normalisation.deviation_epsilon,
          .unbiased_deviation = normalisation.unbiased_deviation};
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

kernels::ActivationKind activation_of(std::optional<Activation::Kind> activation) {
  if (!activation) return kernels::ActivationKind::none;
  return *activation == Activation::Kind::relu ? kernels::ActivationKind::relu : kernels::ActivationKind::tanh;
}

}  // namespace twinpatch::cuda
