// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "kernels/head_rows.hpp"
#include "kernels/slab_kernel.cuh"

namespace twinpatch::cuda::kernels {
namespace {

/// max(a + b, 0) of two pairs of numbers.
template <class T>
__device__ unsigned relu_of_sum(unsigned a, unsigned b) {
  using Pair = std::conditional_t<std::is_same_v<T, Half>, __half2, __nv_bfloat162>;
  Pair x;
  Pair y;
  memcpy(&x, &a, sizeof(x));
  memcpy(&y, &b, sizeof(y));
  Pair one;
  if constexpr (std::is_same_v<T, Half>) {
    one = __float2half2_rn(1.0F);
  } else {
    one = __float2bfloat162_rn(1.0F);
  }
  const Pair sum = __hfma2_relu(x, one, y);
  unsigned bits = 0;
  memcpy(&bits, &sum, sizeof(bits));
  return bits;
}

/// A value is Σ_k ±max(left_k + right_k, 0), + below k = positive. For a column, 16 rows by 16 k of max(left + right,
/// 0) are the left side of a product whose right side is ±1 in the column's place of eight and 0 elsewhere: eight
/// columns share the sums of one product, and nothing is multiplied in vain but those zeros. Floor, a pair and 512 k:
/// 256 half2 operations and 2 products of 16 × 8 × 16.
template <class T>
struct HeadSums {
  std::int64_t positive;
  __device__ explicit HeadSums(const SlabTile& tile) : positive(tile.positive) {}

  __device__ void add(const StageView& stage, int columns, Sums& sums) const {
    const int group = lane_index() / 4;
    const int pair = lane_index() % 4;
    T one{};
    store(one, stage.k < positive ? 1.0F : -1.0F);
    const unsigned ones = one.bits * 0x10001U;
    TWINPATCH_UNROLL
    for (int step = 0; step < kStage / 16; ++step) {
      unsigned left[kTall][4];
      stage.load_left(step, left);
      TWINPATCH_UNROLL
      for (int j = 0; j < kWide; ++j) {
        if (stage.warp.column + j * 8 >= columns) break;
        TWINPATCH_UNROLL
        for (int c = 0; c < 8; ++c) {
          const int column = stage.warp.column + j * 8 + c;
          const unsigned low = numbers(stage.right[stage_place(column, step * 2)], pair);
          const unsigned high = numbers(stage.right[stage_place(column, step * 2 + 1)], pair);
          const unsigned place = group == c ? ones : 0U;
          TWINPATCH_UNROLL
          for (int i = 0; i < kTall; ++i) {
            const unsigned terms[4] = {relu_of_sum<T>(left[i][0], low), relu_of_sum<T>(left[i][1], low),
                                       relu_of_sum<T>(left[i][2], high), relu_of_sum<T>(left[i][3], high)};
            multiply_add<T>(sums[i][j], terms, place, place);
          }
        }
      }
    }
  }

 private:
  /// Numbers 2 · pair and 2 · pair + 1 of a chunk.
  __device__ static unsigned numbers(const Chunk& chunk, int pair) {
    return reinterpret_cast<const unsigned*>(chunk.numbers)[pair];
  }
};

/// Rows of a head's first layer as HeadSums takes them.
/// rows [count, fold.row_length] → out [count, fold.length] in T: weight[n] · row[source[n]], 0 where source[n] < 0;
/// norms [count]: at least Σ|out|. Warp: one row at a time (grid-stride); lane: every 32nd number.
template <class T>
__global__ void fold_rows_kernel(const float* rows, std::int64_t count, HeadFold fold, T* out, float* norms) {
  for (std::int64_t i = global_warp(); i < count; i += all_warps()) {
    double sum = 0;
    for (std::int64_t n = lane_index(); n < fold.length; n += kWarp) {
      const std::int32_t source = fold.source[n];
      const float value = source < 0 ? 0 : fold.weight[n] * rows[i * fold.row_length + source];
      store(out[i * fold.length + n], value);
      sum += fabs(static_cast<double>(value));
    }
    sum = warp_sum(sum);
    if (lane_index() == 0) norms[i] = static_cast<float>(sum * (1 + 1e-6));
  }
}

}  // namespace

void head_slabs(cudaStream_t stream, NumberType type, const SlabTile& tile, Summaries summaries) {
  type == NumberType::bf16 ? launch_slabs<HeadSums<Bfloat16>>(stream, "head_slabs", tile, summaries)
                           : launch_slabs<HeadSums<Half>>(stream, "head_slabs", tile, summaries);
}

void fold_rows(cudaStream_t stream, const float* rows, std::int64_t count, const HeadFold& fold, FoldedRows out) {
  const auto run = [&]<class T>(T) {
    launch(stream, per_warp(count), "fold_rows", &fold_rows_kernel<T>, rows, count, fold, static_cast<T*>(out.operand),
           out.norms);
  };
  out.type == NumberType::bf16 ? run(Bfloat16{}) : run(Half{});
}

}  // namespace twinpatch::cuda::kernels
