// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "kernels/element.hpp"
#include "kernels/kernels.hpp"
#include "runtime/launch.cuh"

// What the kernels share; for .cu files alone.

/// Before a loop whose arrays are to lie in registers.
#if defined(__CUDACC__)
#define TWINPATCH_PRAGMA(text) _Pragma(#text)
#define TWINPATCH_UNROLL _Pragma("unroll")
#define TWINPATCH_UNROLL_BY(n) TWINPATCH_PRAGMA(unroll n)
#else
#define TWINPATCH_UNROLL
#define TWINPATCH_UNROLL_BY(n)
#endif

namespace twinpatch::cuda::kernels {

inline constexpr int kWarp = 32;
inline constexpr unsigned kAllLanes = 0xffffffffU;
/// Blocks of a grid-stride kernel: enough to fill any device several times over.
inline constexpr std::int64_t kMostBlocks = 1 << 16;
inline constexpr int kItemThreads = 256;

__device__ inline std::int64_t global_thread() { return std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; }
__device__ inline std::int64_t all_threads() { return std::int64_t{gridDim.x} * blockDim.x; }

/// Blocks that stride over `items`, one at a time.
inline LaunchShape per_block(std::int64_t items, int threads) {
  return {.grid = {blocks_for(items, 1, kMostBlocks)}, .block = dim3(static_cast<unsigned>(threads))};
}
/// Threads that stride over `items`.
inline LaunchShape per_item(std::int64_t items) {
  return {.grid = {blocks_for(items, kItemThreads, kMostBlocks)}, .block = dim3(kItemThreads)};
}
/// Warps that stride over `items`, eight a block.
inline LaunchShape per_warp(std::int64_t items) {
  return {.grid = {blocks_for(items, kItemThreads / kWarp, kMostBlocks)}, .block = dim3(kItemThreads)};
}
__device__ inline std::int64_t global_warp() { return global_thread() / kWarp; }
__device__ inline std::int64_t all_warps() { return all_threads() / kWarp; }
__device__ inline int lane_index() { return static_cast<int>(threadIdx.x) % kWarp; }

/// Sum over the lanes of a warp, the same bits in each: every step adds the same two numbers on both sides.
template <class T>
__device__ T warp_sum(T value) {
  for (int offset = kWarp / 2; offset > 0; offset /= 2) value += __shfl_xor_sync(kAllLanes, value, offset);
  return value;
}

/// Calls f(T()) with the type that holds such numbers.
template <class F>
void visit_number(NumberType type, F&& f) {
  switch (type) {
    case NumberType::fp32:
      return f(float{});
    case NumberType::fp16:
      return f(Half{});
    case NumberType::bf16:
      return f(Bfloat16{});
  }
}

inline constexpr float kLargest = 3.402823466e38F;
__device__ inline bool is_finite(float value) { return fabsf(value) <= kLargest; }

/// The larger one; what is not a number wins.
__device__ inline float larger(float a, float b) { return b > a || b != b ? b : a; }

__device__ inline float activated(ActivationKind kind, float value) {
  if (kind == ActivationKind::relu) return value <= 0 ? 0 : value;  // keeps what is not a number
  return kind == ActivationKind::tanh ? tanhf(value) : value;
}

}  // namespace twinpatch::cuda::kernels
