// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plan/step.hpp"

// Everything that touches oneDNN is behind this header, in dnnl_steps.cpp: written for 2.6, a port to 3.x is that file.

namespace twinpatch::cpu {

/// `weight` [out, in, kernel height, kernel width], `bias` [out] or null. `activation` is applied to the result.
[[nodiscard]] std::unique_ptr<Step> make_convolution_step(const Convolution& layer, Shape input, Shape output,
                                                          ActivationKind activation, const float* weight,
                                                          const float* bias, StepSize size);
/// `weight` [out, in] with the inputs in the order in which the activations lie, `bias` [out] or null.
[[nodiscard]] std::unique_ptr<Step> make_inner_product_step(std::int64_t in, std::int64_t out,
                                                            ActivationKind activation, const float* weight,
                                                            const float* bias, StepSize size);
/// Averages are over the values really inside the map.
[[nodiscard]] std::unique_ptr<Step> make_pooling_step(const Pooling& layer, Shape input, Shape output, StepSize size);
[[nodiscard]] std::unique_ptr<Step> make_activation_step(Activation::Kind kind, std::int64_t values, StepSize size);

/// "oneDNN 2.6.3"
[[nodiscard]] std::string dnnl_version();

}  // namespace twinpatch::cpu
