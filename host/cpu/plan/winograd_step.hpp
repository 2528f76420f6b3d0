// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plan/step.hpp"

namespace twinpatch::cpu {

/// Whether a convolution with this output is worth a Winograd transform and of a kind the kernels have: 5×5 or 3×3,
/// stride 1, channels in sixteens, a map that tiles cover without much waste.
[[nodiscard]] bool winograd_fits(const Convolution& layer, Shape output);

/// ReLU is the one activation it takes.
[[nodiscard]] std::unique_ptr<Step> make_winograd_step(const ConvolutionWork& work);

}  // namespace twinpatch::cpu
