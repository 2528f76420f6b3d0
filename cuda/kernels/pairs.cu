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
__global__ void score_pairs_kernel(Comparison comparison, ListedPairs listed, float* scores) {
  const int lane = lane_index();
  const std::int64_t length = comparison.length;
  for (std::int64_t n = global_warp(); n < listed.count; n += all_warps()) {
    const float* const a = comparison.left.values + listed.pairs[2 * n] * length;
    const float* const b = comparison.right.values + listed.pairs[2 * n + 1] * length;
    float score = 0;
    if constexpr (kOperation == PairOperation::head) {
      float sum = 0;
      for (std::int64_t k = lane; k < length; k += kWarp)
        sum = fmaf(comparison.weights[k], activated(ActivationKind::relu, a[k] + b[k]), sum);
      score = comparison.bias + warp_sum(sum);
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
__global__ void add_rows_kernel(RowSums sums, ListedPairs listed, T* out) {
  const std::int64_t length = sums.length;
  for (std::int64_t n = global_warp(); n < listed.count; n += all_warps()) {
    const float* const a = sums.left + listed.pairs[2 * n] * length;
    const float* const b = sums.right + listed.pairs[2 * n + 1] * length;
    for (std::int64_t k = lane_index(); k < length; k += kWarp) {
      store(out[n * length + k], activated(sums.activation, a[k] + b[k]));
    }
  }
}

/// pairs [count, 2]. Thread: one pair at a time (grid-stride).
__global__ void enumerate_pairs_kernel(PairRange range, std::int32_t* pairs) {
  for (std::int64_t n = global_thread(); n < range.count; n += all_threads()) {
    pairs[2 * n] = static_cast<std::int32_t>(range.first_left + (range.begin + n) / range.columns);
    pairs[2 * n + 1] = static_cast<std::int32_t>(range.first_right + (range.begin + n) % range.columns);
  }
}

}  // namespace

void score_pairs(cudaStream_t stream, const Comparison& comparison, ListedPairs pairs, float* scores) {
  const auto run = [&]<PairOperation kOperation>(const char* name) {
    launch(stream, per_warp(pairs.count), name, &score_pairs_kernel<kOperation>, comparison, pairs, scores);
  };
  switch (comparison.operation) {
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

void add_rows(cudaStream_t stream, const RowSums& sums, ListedPairs pairs, void* out) {
  visit_number(sums.type, [&]<class T>(T) {
    launch(stream, per_warp(pairs.count), "add_rows", &add_rows_kernel<T>, sums, pairs, static_cast<T*>(out));
  });
}

void enumerate_pairs(cudaStream_t stream, PairRange range, std::int32_t* pairs) {
  launch(stream, per_item(range.count), "enumerate_pairs", &enumerate_pairs_kernel, range, pairs);
}

}  // namespace twinpatch::cuda::kernels
