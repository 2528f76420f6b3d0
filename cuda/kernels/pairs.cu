// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "pair_metric.cuh"

namespace twinpatch::cuda::kernels {
namespace {

/// Listed pairs.
/// left [·, length], right [·, length], weights [length] (head), pairs [count, 2], scores [count].
/// Warp: one pair at a time (grid-stride); lane: every 32nd k. Head: float sums; metrics: see pair_metric.
/// Reference: reference::decide.
template <PairOperation kOperation>
__global__ void score_pairs_kernel(const float* left, const float* right, std::int64_t length, const float* weights,
                                   float bias, const std::int32_t* pairs, std::int64_t count, float* scores) {
  const int lane = lane_index();
  for (std::int64_t n = global_warp(); n < count; n += all_warps()) {
    const float* const a = left + pairs[2 * n] * length;
    const float* const b = right + pairs[2 * n + 1] * length;
    float score = 0;
    if constexpr (kOperation == PairOperation::head) {
      float sum = 0;
      for (std::int64_t k = lane; k < length; k += kWarp)
        sum = fmaf(weights[k], activated(ActivationKind::relu, a[k] + b[k]), sum);
      score = bias + warp_sum(sum);
    } else {
      score = pair_metric<kOperation>(a, b, length);
    }
    if (lane == 0) scores[n] = score;
  }
}

/// First layer of a head for listed pairs.
/// left, right [·, length], pairs [count, 2], out [count, length]. Warp: one pair at a time (grid-stride); lane: every
/// 32nd k.
template <class T>
__global__ void add_rows_kernel(const float* left, const float* right, std::int64_t length, const std::int32_t* pairs,
                                std::int64_t count, ActivationKind kind, T* out) {
  for (std::int64_t n = global_warp(); n < count; n += all_warps()) {
    const float* const a = left + pairs[2 * n] * length;
    const float* const b = right + pairs[2 * n + 1] * length;
    for (std::int64_t k = lane_index(); k < length; k += kWarp) {
      store(out[n * length + k], activated(kind, a[k] + b[k]));
    }
  }
}

/// pairs [count, 2]. Thread: one pair at a time (grid-stride).
__global__ void enumerate_pairs_kernel(std::int64_t begin, std::int64_t count, std::int64_t columns,
                                       std::int64_t first_left, std::int64_t first_right, std::int32_t* pairs) {
  for (std::int64_t n = global_thread(); n < count; n += all_threads()) {
    pairs[2 * n] = static_cast<std::int32_t>(first_left + (begin + n) / columns);
    pairs[2 * n + 1] = static_cast<std::int32_t>(first_right + (begin + n) % columns);
  }
}

}  // namespace

void score_pairs(cudaStream_t stream, PairOperation operation, RowMatrix left, RowMatrix right, std::int64_t length,
                 const float* weights, float bias, const std::int32_t* pairs, std::int64_t count, float* scores) {
  const auto run = [&]<PairOperation kOperation>(const char* name) {
    launch(stream, per_warp(count), name, &score_pairs_kernel<kOperation>, left.values, right.values, length, weights,
           bias, pairs, count, scores);
  };
  switch (operation) {
    case PairOperation::head:
      return run.template operator()<PairOperation::head>("pairs_head");
    case PairOperation::l2:
      return run.template operator()<PairOperation::l2>("pairs_l2");
    case PairOperation::l1:
      return run.template operator()<PairOperation::l1>("pairs_l1");
    case PairOperation::dot:
      return run.template operator()<PairOperation::dot>("pairs_dot");
  }
}

void add_rows(cudaStream_t stream, RowMatrix left, RowMatrix right, std::int64_t length, const std::int32_t* pairs,
              std::int64_t count, ActivationKind kind, NumberType type, void* out) {
  visit_number(type, [&]<class T>(T) {
    launch(stream, per_warp(count), "add_rows", &add_rows_kernel<T>, left.values, right.values, length, pairs, count,
           kind, static_cast<T*>(out));
  });
}

void enumerate_pairs(cudaStream_t stream, std::int64_t begin, std::int64_t count, std::int64_t columns,
                     std::int64_t first_left, std::int64_t first_right, std::int32_t* pairs) {
  launch(stream, per_item(count), "enumerate_pairs", &enumerate_pairs_kernel, begin, count, columns, first_left,
         first_right, pairs);
}

}  // namespace twinpatch::cuda::kernels
