// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plan/step.hpp"

namespace twinpatch::cpu {

/// Whether the kernels for first convolutions take this one: one or two input channels, no padding, output channels in
/// whole vectors, a map that is not too narrow.
[[nodiscard]] bool stem_fits(const Convolution& layer, Shape output, bool pool);

/// Its input is planar, [channels, height, width]; the output NHWC. ReLU is the one activation it takes. In other
/// precisions than fp32, products are of 16-bit integers where the processor has them.
[[nodiscard]] std::unique_ptr<Step> make_stem_step(const ConvolutionWork& work, Precision precision);

}  // namespace twinpatch::cpu
