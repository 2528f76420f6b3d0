// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plan/step.hpp"

namespace twinpatch::cpu {

/// Whether the kernels for first convolutions take this one: one or two input channels, no padding, output channels in
/// whole vectors, a map that is not too narrow.
[[nodiscard]] bool stem_fits(const Convolution& layer, Shape output, bool pool);

struct StemOptions {
  Precision precision = Precision::fp32;  ///< others: products of 16-bit integers where the processor has them
  bool direct = false;                    ///< never by Winograd's method
};

/// Its input is planar, [channels, height, width]; the output NHWC. ReLU is the one activation it takes.
[[nodiscard]] std::unique_ptr<Step> make_stem_step(const ConvolutionWork& work, const StemOptions& options);

}  // namespace twinpatch::cpu
