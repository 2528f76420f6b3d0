// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "plan/step.hpp"

namespace twinpatch::cpu {

/// Whether a first convolution that stem_fits() is one of kernels/winograd_stem.hpp, in this precision.
[[nodiscard]] bool winograd_stem_fits(const ConvolutionWork& work, Precision precision);

/// As make_paired_stem_step(), by Winograd's method.
[[nodiscard]] std::unique_ptr<Step> make_winograd_stem_step(const ConvolutionWork& work);

}  // namespace twinpatch::cpu
