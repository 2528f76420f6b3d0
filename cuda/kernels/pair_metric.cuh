// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "launch_helpers.cuh"

namespace twinpatch::cuda::kernels {

/// Score of one pair of rows [length] by a metric, from differences, in double, on a whole warp; the same in every
/// lane, and the same bits wherever it is called. Reference: reference::decide.
template <PairOperation kOperation>
__device__ float pair_metric(const float* a, const float* b, std::int64_t length) {
  double sum = 0;
  for (std::int64_t k = lane_index(); k < length; k += kWarp) {
    if constexpr (kOperation == PairOperation::dot) {
      sum += static_cast<double>(a[k]) * b[k];
    } else {
      const double difference = static_cast<double>(a[k]) - b[k];
      sum += kOperation == PairOperation::l2 ? difference * difference : fabs(difference);
    }
  }
  sum = warp_sum(sum);
  if constexpr (kOperation == PairOperation::dot) return static_cast<float>(sum);
  return static_cast<float>(-(kOperation == PairOperation::l2 ? sqrt(sum) : sum));
}

}  // namespace twinpatch::cuda::kernels
