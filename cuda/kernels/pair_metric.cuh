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

/// Σ_k w_k · max(p_k, −q_k) with the sum of grid_tile(): the same bits. Every lane does all of it, from loads that all
/// lanes share.
__device__ inline float pair_head(const float* p, const float* q, const float* weights, std::int64_t length) {
  float sum = 0;
  std::int64_t k = 0;
  if (length % 4 == 0) {  // rows on multiples of 16 bytes
    TWINPATCH_UNROLL_BY(8)
    for (; k < length; k += 4) {
      const float4 a = *reinterpret_cast<const float4*>(p + k);
      const float4 b = *reinterpret_cast<const float4*>(q + k);
      const float4 w = *reinterpret_cast<const float4*>(weights + k);
      sum = fmaf(w.x, fmaxf(a.x, -b.x), sum);
      sum = fmaf(w.y, fmaxf(a.y, -b.y), sum);
      sum = fmaf(w.z, fmaxf(a.z, -b.z), sum);
      sum = fmaf(w.w, fmaxf(a.w, -b.w), sum);
    }
  }
  for (; k < length; ++k) sum = fmaf(weights[k], fmaxf(p[k], -q[k]), sum);
  return sum;
}

}  // namespace twinpatch::cuda::kernels
