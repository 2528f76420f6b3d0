// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "plan/step.hpp"

namespace twinpatch::cpu {

/// Whether a first convolution that stem_fits() is computed in 16-bit integers in this precision.
[[nodiscard]] bool paired_stem_fits(const Convolution& layer, Shape output, bool pool, Precision precision);

/// As make_stem_step(), an item's pixels in steps of its largest magnitude / 8191 and weights in steps of their own. A
/// pixel that is not finite makes its item's outputs NaN.
[[nodiscard]] std::unique_ptr<Step> make_paired_stem_step(const ConvolutionWork& work);

}  // namespace twinpatch::cpu
