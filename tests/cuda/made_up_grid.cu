// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "kernels/launch_helpers.cuh"
#include "made_up_grid.hpp"

namespace twinpatch::test {
namespace {

/// The best column of each row by minus the difference of first values, per segment of the one tile there is.
/// Thread: one row (grid-stride).
__global__ void first_values_kernel(cuda::kernels::RowMatrix left, cuda::kernels::RowMatrix right, std::int64_t length,
                                    cuda::kernels::SelectionKeys keys) {
  using cuda::kernels::all_threads;
  for (std::int64_t i = cuda::kernels::global_thread(); i < left.count; i += all_threads()) {
    for (std::int64_t s = 0; s < keys.tile_segments; ++s) {
      const std::int64_t begin = keys.segment_begins[s];
      std::uint64_t best = 0;
      for (std::int64_t j = begin; j < keys.segment_begins[s + 1]; ++j) {
        const float score = -fabsf(left.values[i * length] - right.values[j * length]);
        const std::uint64_t key = cuda::pack_key(score, static_cast<std::int32_t>(j - begin));
        best = key > best ? key : best;
      }
      keys.rows[s * keys.grid_rows + i] = best;
    }
  }
}

}  // namespace

void select_first_values(cudaStream_t stream, cuda::kernels::RowMatrix left, cuda::kernels::RowMatrix right,
                         std::int64_t length, const cuda::kernels::SelectionKeys& keys) {
  cuda::launch(stream, cuda::kernels::per_item(left.count), "first_values", &first_values_kernel, left, right, length,
               keys);
}

}  // namespace twinpatch::test
