// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "launch_helpers.cuh"

namespace twinpatch::cuda::kernels {
namespace {

/// Lengths of rows.
/// rows [count, length], in place. Warp: one row at a time (grid-stride); lane: every 32nd value. Sums in double, in an
/// order that depends on the length alone. Reference: reference::descriptor.
__global__ void normalise_rows_kernel(float* rows, std::int64_t count, std::int64_t length) {
  const int lane = lane_index();
  for (std::int64_t i = global_warp(); i < count; i += all_warps()) {
    float* const row = rows + i * length;
    double squares = 0;
    for (std::int64_t k = lane; k < length; k += kWarp) squares += static_cast<double>(row[k]) * row[k];
    squares = warp_sum(squares);
    const double norm = sqrt(squares);
    const auto factor = static_cast<float>(1.0 / (norm <= 1e-12 ? 1e-12 : norm));
    for (std::int64_t k = lane; k < length; k += kWarp) row[k] *= factor;
  }
}

/// One number a row, and whether the row is finite.
/// rows [count, length], weights [length] or null, scalars [count] or null; *first_bad is lowered.
/// Warp: one row at a time (grid-stride); lane: every 32nd value. Sums in double.
__global__ void row_scalars_kernel(const float* rows, std::int64_t count, std::int64_t length, RowScalars to) {
  const int lane = lane_index();
  for (std::int64_t i = global_warp(); i < count; i += all_warps()) {
    const float* const row = rows + i * length;
    double sum = 0;
    int bad = 0;
    for (std::int64_t k = lane; k < length; k += kWarp) {
      const double value = row[k];
      sum += (to.weights != nullptr ? static_cast<double>(to.weights[k]) : value) * value;
      if (!is_finite(row[k])) bad = 1;
    }
    sum = warp_sum(sum);
    bad = __any_sync(kAllLanes, bad);
    if (lane != 0) continue;
    if (to.scalars != nullptr) to.scalars[i] = static_cast<float>(sum + static_cast<double>(to.bias));
    if (bad != 0) atomicMin(to.first_bad, static_cast<unsigned long long>(to.first + i));
  }
}

}  // namespace

void normalise_rows(cudaStream_t stream, float* rows, std::int64_t count, std::int64_t length) {
  if (count == 0) return;
  launch(stream, per_warp(count), "normalise_rows", &normalise_rows_kernel, rows, count, length);
}

void row_scalars(cudaStream_t stream, const float* rows, std::int64_t count, std::int64_t length,
                 const RowScalars& to) {
  if (count == 0) return;
  launch(stream, per_warp(count), "row_scalars", &row_scalars_kernel, rows, count, length, to);
}

}  // namespace twinpatch::cuda::kernels
