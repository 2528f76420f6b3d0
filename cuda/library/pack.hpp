// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "runtime/number_type.hpp"
#include "twinpatch/net/spec.hpp"

namespace twinpatch::cuda {

/// Weights [out, in, kernel height, kernel width] of a layer → the filter ConvolutionPlan reads, [out, kernel height,
/// kernel width, in] in `type`. On the host; the caller copies it to the device. Throws ShapeError for another count.
[[nodiscard]] std::vector<std::byte> pack_filter(const Convolution& layer, std::span<const float> weights,
                                                 NumberType type);
/// Floats in `type`, as biases and matrices are read.
[[nodiscard]] std::vector<std::byte> pack(std::span<const float> values, NumberType type);

}  // namespace twinpatch::cuda
