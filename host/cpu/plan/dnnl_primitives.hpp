// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

// oneDNN's primitives. Its versions 2 and 3 make them by different functions: dnnl_primitives.cpp alone knows which.

#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <vector>

#include "plan/step.hpp"

namespace twinpatch::cpu {

[[nodiscard]] const dnnl::engine& dnnl_engine();

/// A primitive for one batch size, and the layouts that its implementation wants.
struct PlannedPrimitive {
  dnnl::primitive primitive;
  dnnl::memory::desc source, weights, bias, destination, scratchpad;  // weights and bias: zero where there are none
  std::string implementation;
};

/// What a layer reads and writes; a bias of zero dimensions is none.
struct LayerMemory {
  dnnl::memory::desc source, weights, bias, destination;
};

/// Of a pooling or a convolution (whose size is its weights'), in pixels: {vertical, horizontal}.
struct WindowSteps {
  dnnl::memory::dims size, stride, padding_before, padding_after;
};

/// The argument of a run that holds the factors of integers' sums. 0: none, they were known when the primitive was
/// planned, and multiply the bias too.
#if DNNL_VERSION_MAJOR >= 3
inline constexpr int kFactorsArgument = DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS;
#else
inline constexpr int kFactorsArgument = 0;
#endif

/// `factors`: one for each output, or empty.
[[nodiscard]] PlannedPrimitive plan_convolution(const LayerMemory& memory, const WindowSteps& window,
                                                ActivationKind activation, const std::vector<float>& factors);
[[nodiscard]] PlannedPrimitive plan_inner_product(const LayerMemory& memory, ActivationKind activation,
                                                  const std::vector<float>& factors);
[[nodiscard]] PlannedPrimitive plan_pooling(dnnl::algorithm algorithm, const LayerMemory& memory,
                                            const WindowSteps& window);
[[nodiscard]] PlannedPrimitive plan_activation(Activation::Kind kind, const dnnl::memory::desc& layout);

}  // namespace twinpatch::cpu
