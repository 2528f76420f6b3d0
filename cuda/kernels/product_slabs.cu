// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "kernels/slab_kernel.cuh"

namespace twinpatch::cuda::kernels {
namespace {

/// A value is Σ_k left_k · right_k: 4 × 8 products of 16 × 8 × 16 a warp and 16 k. Floor: 2 operations a pair and k.
template <class T>
struct Products {
  __device__ explicit Products(const SlabTile& /*tile*/) {}
  __device__ void add(const StageView& stage, int /*columns*/, Sums& sums) const {
    const int lane = lane_index();
    TWINPATCH_UNROLL
    for (int step = 0; step < kStage / 16; ++step) {
      unsigned left[kTall][4];
      stage.load_left(step, left);
      TWINPATCH_UNROLL
      for (int j = 0; j < kWide; j += 2) {
        const int column = stage.warp.column + j * 8 + lane % 8 + lane / 16 * 8;
        unsigned right[4];
        load_matrices(&stage.right[stage_place(column, step * 2 + lane / 8 % 2)], right);
        TWINPATCH_UNROLL
        for (int i = 0; i < kTall; ++i) {
          multiply_add<T>(sums[i][j], left[i], right[0], right[1]);
          multiply_add<T>(sums[i][j + 1], left[i], right[2], right[3]);
        }
      }
    }
  }
};

}  // namespace

void product_slabs(cudaStream_t stream, NumberType type, const SlabTile& tile, Summaries summaries) {
  type == NumberType::bf16 ? launch_slabs<Products<Bfloat16>>(stream, "product_slabs", tile, summaries)
                           : launch_slabs<Products<Half>>(stream, "product_slabs", tile, summaries);
}

}  // namespace twinpatch::cuda::kernels
