// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "kernels/stem.hpp"
#include "twinpatch/net/fused_layers.hpp"

namespace twinpatch::cuda {

class DeviceWeights;

/// The layers of a stream that one kernel takes from pixels on.
struct StemPlan {
  kernels::Stem stem;
  std::size_t layers = 0;  ///< so many of the stream's
  Shape output;
  double operations = 0;  ///< additions and multiplications of a patch
};

/// None where a stream's layers begin otherwise than kernels::StemShape says, or this device runs no fused kernels.
[[nodiscard]] std::optional<StemPlan> plan_stem(DeviceWeights& weights, const LayerList& stream, Shape input);

/// Weights [outputs, channels, height, width] in the order of kernels::Stem, as floats.
[[nodiscard]] std::vector<float> stem_filter(const kernels::StemShape& shape, std::span<const float> weights);

}  // namespace twinpatch::cuda
