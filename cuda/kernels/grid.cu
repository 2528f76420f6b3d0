// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "launch_helpers.cuh"

namespace twinpatch::cuda::kernels {
namespace {

constexpr int kSide = 128;     ///< rows and columns of a block's tile
constexpr int kDepth = 8;      ///< k of one stage
constexpr int kThreads = 256;  ///< 16 × 16
constexpr int kOwn = 8;        ///< rows and columns of a thread: two runs of four, half a tile apart
constexpr int kRun = 4;
constexpr int kPitch = kSide + 4;                  ///< of a shared row: stores of a stage meet few bank conflicts
constexpr int kLoads = kSide * kDepth / kThreads;  ///< values of each side that a thread brings in per stage
static_assert(kLoads == 4);

/// One stage of both sides, k outermost.
struct Stage {
  float left[kDepth][kPitch];
  float right[kDepth][kPitch];
  float weights[kDepth];
};

/// What a thread carries from global to shared memory: four k of one row of each side, and perhaps a weight.
struct Carried {
  float left[kLoads];
  float right[kLoads];
  float weight = 0;
};

__device__ void fetch(const float* row, std::int64_t k, std::int64_t length, bool aligned, float* to) {
  if (row == nullptr) {
    for (int i = 0; i < kLoads; ++i) to[i] = 0;
  } else if (aligned && k + kLoads <= length) {
    const float4 four = *reinterpret_cast<const float4*>(row + k);
    to[0] = four.x;
    to[1] = four.y;
    to[2] = four.z;
    to[3] = four.w;
  } else {
    for (int i = 0; i < kLoads; ++i) to[i] = k + i < length ? row[k + i] : 0;
  }
}

template <PairOperation kOperation>
__device__ float accumulated(float sum, float p, float q, float w) {
  if constexpr (kOperation == PairOperation::head) {
    return fmaf(w, fmaxf(p, q), sum);  // q is −Q here
  } else if constexpr (kOperation == PairOperation::l2) {
    const float difference = p - q;
    return fmaf(difference, difference, sum);
  } else if constexpr (kOperation == PairOperation::l1) {
    return sum + fabsf(p - q);
  } else {
    return fmaf(p, q, sum);
  }
}

/// Every left row against every right row.
/// left [rows, length], right [columns, length], weights [length] (head), scalars [columns] (head: c_j);
/// out[i · stride + j]. Head by w·relu(p + q) = w·max(p, −q) + w·q, the last summed beforehand: two instructions an
/// element.
/// Block: a tile of 128 × 128. Thread: 8 × 8 pairs, two runs of four rows by two runs of four columns.
/// Shared: 2 stages of 8 k, both sides transposed so that a thread reads four rows or columns at once: 16,960 bytes.
/// The next stage is fetched while one is summed. Float sums, k ascending: the same bits whatever the tile.
/// Reference: reference::decide.
/// Ten arguments: handed over in a structure they cost the head's kernel registers, and it spills.
template <PairOperation kOperation>
__global__ void __launch_bounds__(kThreads, kOperation == PairOperation::head ? 2 : 1)
    grid_tile_kernel(const float* left, std::int64_t rows, const float* right, std::int64_t columns,
                     std::int64_t length, const float* weights, const float* scalars, bool aligned, float* out,
                     std::int64_t stride) {
  __shared__ Stage stages[2];
  const int thread = static_cast<int>(threadIdx.x);
  const std::int64_t across = (columns + kSide - 1) / kSide;
  const std::int64_t first_row = blockIdx.x / across * kSide;
  const std::int64_t first_column = blockIdx.x % across * kSide;

  // What this thread brings in: row thread / 2 of either side, k of (thread % 2) · 4 onwards.
  const int own_row = thread / 2;
  const int own_k = thread % 2 * kLoads;
  const float* const from_left = first_row + own_row < rows ? left + (first_row + own_row) * length : nullptr;
  const float* const from_right =
      first_column + own_row < columns ? right + (first_column + own_row) * length : nullptr;
  Carried carried;
  const auto bring = [&](std::int64_t k) {
    fetch(from_left, k + own_k, length, aligned, carried.left);
    fetch(from_right, k + own_k, length, aligned, carried.right);
    if (kOperation == PairOperation::head && thread < kDepth) {
      carried.weight = k + thread < length ? weights[k + thread] : 0;
    }
  };
  const auto put = [&](Stage& stage) {
    for (int i = 0; i < kLoads; ++i) {
      stage.left[own_k + i][own_row] = carried.left[i];
      stage.right[own_k + i][own_row] = kOperation == PairOperation::head ? -carried.right[i] : carried.right[i];
    }
    if (kOperation == PairOperation::head && thread < kDepth) stage.weights[thread] = carried.weight;
  };

  const int row = thread / 16 * kRun;
  const int column = thread % 16 * kRun;
  float sums[kOwn][kOwn] = {};
  bring(0);
  put(stages[0]);
  __syncthreads();
  int current = 0;
  for (std::int64_t k = 0; k < length; k += kDepth) {
    const bool more = k + kDepth < length;
    if (more) bring(k + kDepth);
    const Stage& stage = stages[current];
    TWINPATCH_UNROLL
    for (int d = 0; d < kDepth; ++d) {
      float p[kOwn];
      float q[kOwn];
      TWINPATCH_UNROLL
      for (int half = 0; half < 2; ++half) {
        TWINPATCH_UNROLL
        for (int i = 0; i < kRun; ++i) {
          p[half * kRun + i] = stage.left[d][half * (kSide / 2) + row + i];
          q[half * kRun + i] = stage.right[d][half * (kSide / 2) + column + i];
        }
      }
      const float w = kOperation == PairOperation::head ? stage.weights[d] : 0;
      TWINPATCH_UNROLL
      for (int i = 0; i < kOwn; ++i) {
        TWINPATCH_UNROLL
        for (int j = 0; j < kOwn; ++j) sums[i][j] = accumulated<kOperation>(sums[i][j], p[i], q[j], w);
      }
    }
    if (more) put(stages[1 - current]);
    __syncthreads();
    current = 1 - current;
  }

  TWINPATCH_UNROLL
  for (int j = 0; j < kOwn; ++j) {
    const std::int64_t to_column = first_column + j / kRun * (kSide / 2) + column + j % kRun;
    if (to_column >= columns) continue;
    const float constant = kOperation == PairOperation::head ? scalars[to_column] : 0;
    TWINPATCH_UNROLL
    for (int i = 0; i < kOwn; ++i) {
      const std::int64_t to_row = first_row + i / kRun * (kSide / 2) + row + i % kRun;
      if (to_row >= rows) continue;
      float score = sums[i][j];
      if (kOperation == PairOperation::head) score += constant;
      if (kOperation == PairOperation::l2) score = -sqrtf(score);
      if (kOperation == PairOperation::l1) score = -score;
      out[to_row * stride + to_column] = score;
    }
  }
}

}  // namespace

void grid_tile(cudaStream_t stream, const Comparison& comparison, float* out, std::int64_t stride) {
  const RowMatrix& left = comparison.left;
  const RowMatrix& right = comparison.right;
  const std::int64_t length = comparison.length;
  const std::int64_t blocks = blocks_for(left.count, kSide) * blocks_for(right.count, kSide);
  const auto misplaced = reinterpret_cast<std::uintptr_t>(left.values) | reinterpret_cast<std::uintptr_t>(right.values);
  const bool aligned = length % kLoads == 0 && misplaced % sizeof(float4) == 0;
  const auto run = [&]<PairOperation kOperation>(const char* name) {
    launch(stream, {.grid = {blocks}, .block = dim3(kThreads)}, name, &grid_tile_kernel<kOperation>, left.values,
           left.count, right.values, right.count, length, comparison.weights, right.scalars, aligned, out, stride);
  };
  switch (comparison.operation) {
    case PairOperation::head:
      return run.template operator()<PairOperation::head>("grid_head");
    case PairOperation::l2:
      return run.template operator()<PairOperation::l2>("grid_l2");
    case PairOperation::l1:
      return run.template operator()<PairOperation::l1>("grid_l1");
    case PairOperation::dot:
      return run.template operator()<PairOperation::dot>("grid_dot");
  }
}

}  // namespace twinpatch::cuda::kernels
