// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/head_rows.hpp"

namespace twinpatch::cuda {

class DeviceWeights;

/// The last layer's weights of a head Linear - ReLU - Linear(1), folded into the rows of its first layer: those that
/// are not negative first, then the others, either sort filled up with zeros to a multiple of 32.
struct HeadFold {
  std::vector<std::int32_t> source;  ///< number of the row, −1 for zero
  std::vector<float> weight;         ///< |w|, of zeros 0
  std::int64_t positive = 0;         ///< of these, whose weight is not negative
};
[[nodiscard]] HeadFold fold_head(std::span<const float> weights);

/// The same on a device.
struct DeviceFold {
  kernels::HeadFold fold;
  std::int64_t positive = 0;
};
[[nodiscard]] DeviceFold upload_fold(DeviceWeights& weights, std::span<const float> output_weights);

}  // namespace twinpatch::cuda
