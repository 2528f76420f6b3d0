// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/head_rows.hpp"
#include "twinpatch/backend/backend.hpp"

namespace twinpatch::cuda {

class DeviceWeights;

/// The last layer's weights of a head Linear - ReLU - Linear(1), folded into the rows of its first layer: those that
/// are not negative first, then the others, either sort filled up with zeros to a multiple of 32.
struct HeadFold {
  std::vector<std::int32_t> source;  ///< number of the row, −1 for zero
  std::vector<float> weight;         ///< its factor, of zeros 0
  std::int64_t positive = 0;         ///< of these, whose weight is not negative
};
[[nodiscard]] HeadFold fold_head(std::span<const float> weights);

/// Rows of l1 as a head sees them: −|p − q| = p − q − max(2p − 2q, 0), so a left row is 2p, a right one −2q, and all
/// weights are negative; Σp and −Σq are the rows' scalars (`signs`).
[[nodiscard]] HeadFold fold_difference(std::int64_t length, Side side);

/// The same on a device.
struct DeviceFold {
  kernels::HeadFold fold;
  std::int64_t positive = 0;
};
[[nodiscard]] DeviceFold upload_fold(DeviceWeights& weights, std::span<const float> output_weights);
struct DeviceDifference {
  kernels::HeadFold fold;
  const float* signs = nullptr;  ///< [row_length]: weights of RowScalars
};
[[nodiscard]] DeviceDifference upload_difference(DeviceWeights& weights, std::int64_t length, Side side);

}  // namespace twinpatch::cuda
