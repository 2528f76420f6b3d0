// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/launch_helpers.cuh"

// The best of some values, and a bound on the others, in registers; merged across the lanes of a warp.

namespace twinpatch::cuda::kernels {

/// The best kBest values, descending, and what no other exceeds.
template <int kBest>
struct SlabBest;

template <>
struct SlabBest<1> {
  float first;
  float bound;
  __device__ static SlabBest none(float absent) { return {absent, absent}; }
  __device__ void add(float value) {
    bound = fmaxf(bound, fminf(first, value));
    first = fmaxf(first, value);
  }
  __device__ void merge(const SlabBest& other) {
    bound = fmaxf(fmaxf(bound, other.bound), fminf(first, other.first));
    first = fmaxf(first, other.first);
  }
  __device__ SlabBest from_lane(int flip) const {
    return {__shfl_xor_sync(kAllLanes, first, flip), __shfl_xor_sync(kAllLanes, bound, flip)};
  }
};

template <>
struct SlabBest<2> {
  float first;
  float second;
  float bound;
  __device__ static SlabBest of(const SlabBest<1>& one, float absent) { return {one.first, absent, one.bound}; }
  __device__ void merge(const SlabBest& other) {
    const float lower = fminf(first, other.first);
    const float seconds = fmaxf(second, other.second);
    bound = fmaxf(fmaxf(bound, other.bound), fminf(lower, seconds));
    first = fmaxf(first, other.first);
    second = fmaxf(lower, seconds);
  }
  __device__ SlabBest from_lane(int flip) const {
    return {__shfl_xor_sync(kAllLanes, first, flip), __shfl_xor_sync(kAllLanes, second, flip),
            __shfl_xor_sync(kAllLanes, bound, flip)};
  }
};

/// Every lane has kUsed lines, the same ones; two lanes that differ in bit `flip` share the work: each keeps one half,
/// merged with the other's. The lane with the bit keeps the upper half.
template <int kUsed, int kSize, class Best>
__device__ void share_halves(Best (&lines)[kSize], int flip) {
  static_assert(kUsed <= kSize && kUsed % 2 == 0);
  const bool upper = (lane_index() & flip) != 0;
  TWINPATCH_UNROLL
  for (int i = 0; i < kUsed / 2; ++i) {
    const Best sent = upper ? lines[i] : lines[i + kUsed / 2];
    Best kept = upper ? lines[i + kUsed / 2] : lines[i];
    kept.merge(sent.from_lane(flip));
    lines[i] = kept;
  }
}

}  // namespace twinpatch::cuda::kernels
