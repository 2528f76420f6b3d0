// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/slab_best.cuh"
#include "kernels/slabs.hpp"
#include "kernels/tensor_core.cuh"
#include "runtime/shared_memory.cuh"

// Values of all pairs of two sides' rows on tensor cores, reduced to summaries where they are. How two numbers become a
// part of a value is the Form's: product_slabs.cu, head_slabs.cu.

namespace twinpatch::cuda::kernels {

constexpr int kSide = static_cast<int>(kSlab);  ///< rows and columns of a tile
constexpr int kThreads = 128;                   ///< 2 × 2 warps
constexpr int kWarpSide = 64;                   ///< rows and columns of a warp
constexpr int kHeld = 256;                      ///< k of the left side that stay while columns pass
constexpr int kStage = 32;                      ///< k of the right side that come at a time
constexpr int kStages = 3;
constexpr int kRun = 8;              ///< slabs of columns that a block takes
constexpr int kTall = 4;             ///< products of 16 rows in a warp's rows
constexpr int kWide = 8;             ///< products of 8 columns in a warp's columns
constexpr int kRows = 2 * kTall;     ///< rows, and
constexpr int kColumns = 2 * kWide;  ///< columns that a lane has numbers of
constexpr int kHeldChunks = kHeld / kChunk;
constexpr int kStageChunks = kStage / kChunk;
static_assert(kThreads == kSide);

struct Shared {
  Chunk left[kSide * kHeldChunks];
  Chunk right[kStages][kSide * kStageChunks];
  SlabBest<2> rows[2][kSide];     ///< of either half of the columns
  SlabBest<1> columns[2][kSide];  ///< of either half of the rows
  float row_constants[kSide];
  float column_constants[kSide];
};
static_assert(sizeof(Shared) == 96256);  // two blocks in the 227 KiB of sm_90, one in the 99 KiB of sm_86

/// Places of chunks in shared memory, such that the eight rows that one matrix is loaded from lie in all banks.
__device__ inline int held_place(int row, int chunk) { return row * kHeldChunks + (chunk ^ (row & 7)); }
__device__ inline int stage_place(int row, int chunk) { return row * kStageChunks + (chunk ^ (row >> 1 & 3)); }

/// Numbers k … k + 7 of a row, on their way; zeros beyond its end, and where there is no row.
__device__ inline void fetch(const std::uint16_t* row, std::int64_t k, std::int64_t length, bool aligned, Chunk* to) {
  if (row != nullptr && aligned && k < length) return copy_async(to, row + k, sizeof(Chunk));
  Chunk chunk;
  for (int i = 0; i < kChunk; ++i) chunk.numbers[i] = row != nullptr && k + i < length ? row[k + i] : 0;
  *to = chunk;
}

/// One side of a tile: rows of the operand that are there.
struct Side {
  const std::uint16_t* first;
  std::int64_t count;
  std::int64_t length;
  bool aligned;
  __device__ const std::uint16_t* row(int i) const { return i < count ? first + i * length : nullptr; }
};

__device__ inline void fetch_held(const Side& side, std::int64_t k, Chunk* to) {
  for (int n = static_cast<int>(threadIdx.x); n < kSide * kHeldChunks; n += kThreads) {
    const int row = n / kHeldChunks;
    const int chunk = n % kHeldChunks;
    fetch(side.row(row), k + chunk * kChunk, side.length, side.aligned, to + held_place(row, chunk));
  }
}
__device__ inline void fetch_stage(const Side& side, std::int64_t k, Chunk* to) {
  for (int n = static_cast<int>(threadIdx.x); n < kSide * kStageChunks; n += kThreads) {
    const int row = n / kStageChunks;
    const int chunk = n % kStageChunks;
    fetch(side.row(row), k + chunk * kChunk, side.length, side.aligned, to + stage_place(row, chunk));
  }
}

using Sums = float[kTall][kWide][4];

/// Rows and columns of a tile that are a warp's: 64 from these on.
struct WarpPlace {
  int row;
  int column;
};

/// Numbers that are there: 32 k of either side.
struct StageView {
  const Chunk* left;  ///< what is held
  int held_chunk;     ///< its first of these k
  const Chunk* right;
  std::int64_t k;  ///< of a row
  WarpPlace warp;

  /// Four times 16 rows by 16 k of the left side, `step` of two, as multiply_add() takes them.
  __device__ void load_left(int step, unsigned (&to)[kTall][4]) const {
    const int lane = lane_index();
    TWINPATCH_UNROLL
    for (int i = 0; i < kTall; ++i) {
      const int row = warp.row + i * 16 + lane % 16;
      load_matrices(&left[held_place(row, held_chunk + step * 2 + lane / 16)], to[i]);
    }
  }
};

/// Every stage of both sides to the form. The left side's numbers stay where they are held at once. Ends with all of
/// the block's threads done with the right side's stages.
template <class Form>
__device__ void sum_up(const Side& left, const Side& right, const Form& form, Shared& shared, WarpPlace warp,
                       Sums& sums) {
  for (std::int64_t begin = 0; begin < left.length; begin += kHeld) {
    if (left.length > kHeld) fetch_held(left, begin, shared.left);
    const auto stages = static_cast<int>((min(left.length - begin, std::int64_t{kHeld}) + kStage - 1) / kStage);
    for (int stage = 0; stage < kStages - 1; ++stage) {
      if (stage < stages) fetch_stage(right, begin + stage * kStage, shared.right[stage]);
      commit_copies();
    }
    for (int stage = 0; stage < stages; ++stage) {
      wait_for_copies<kStages - 2>();
      __syncthreads();
      const int next = stage + kStages - 1;
      if (next < stages) fetch_stage(right, begin + next * kStage, shared.right[next % kStages]);
      commit_copies();
      const StageView view{shared.left, stage * kStageChunks, shared.right[stage % kStages], begin + stage * kStage,
                           warp};
      form.add(view, static_cast<int>(min(right.count, std::int64_t{kSide})), sums);
    }
    __syncthreads();
  }
}

/// A value with its number in the slab, or a part of it, in the low seven bits.
__device__ inline float numbered(float value, unsigned number) {
  return __uint_as_float((__float_as_uint(value) & ~127U) | number);
}
__device__ inline float or_number(float value, unsigned number) {
  return __uint_as_float(__float_as_uint(value) | number);
}

/// Of each of the tile's rows and columns what is best, into shared.rows and shared.columns. Lane: rows group + 8 h of
/// each 16 of its warp and columns 2 · pair + e of each 8; what four (eight) lanes have of a row (column) they merge by
/// halves, so that each ends with two rows and two columns.
template <bool kBoth>
__device__ void reduce(const Sums& sums, WarpPlace warp, Shared& shared) {
  const int group = lane_index() / 4;
  const int pair = lane_index() % 4;
  SlabBest<1> found[kRows];
  TWINPATCH_UNROLL
  for (int r = 0; r < kRows; ++r) {
    found[r] = SlabBest<1>::none(kAbsent);
    TWINPATCH_UNROLL
    for (int c = 0; c < kColumns; ++c) {
      found[r].add(numbered(sums[r / 2][c / 2][r % 2 * 2 + c % 2], static_cast<unsigned>(c / 2 * 8 + c % 2)));
    }
  }
  SlabBest<2> rows[kRows];
  TWINPATCH_UNROLL
  for (int r = 0; r < kRows; ++r) {
    found[r].first = or_number(found[r].first, static_cast<unsigned>(warp.column + 2 * pair));
    rows[r] = SlabBest<2>::of(found[r], kAbsent);
  }
  share_halves<kRows>(rows, 1);
  share_halves<kRows / 2>(rows, 2);
  TWINPATCH_UNROLL
  for (int i = 0; i < kRows / 4; ++i) {
    const int r = pair % 2 * (kRows / 2) + pair / 2 * (kRows / 4) + i;
    shared.rows[warp.column / kWarpSide][warp.row + r / 2 * 16 + r % 2 * 8 + group] = rows[i];
  }
  if constexpr (kBoth) {
    SlabBest<1> columns[kColumns];
    TWINPATCH_UNROLL
    for (int c = 0; c < kColumns; ++c) {
      columns[c] = SlabBest<1>::none(kAbsent);
      TWINPATCH_UNROLL
      for (int r = 0; r < kRows; ++r) {
        columns[c].add(numbered(sums[r / 2][c / 2][r % 2 * 2 + c % 2], static_cast<unsigned>(r / 2 * 16 + r % 2 * 8)));
      }
      columns[c].first = or_number(columns[c].first, static_cast<unsigned>(warp.row + group));
    }
    share_halves<kColumns>(columns, 4);
    share_halves<kColumns / 2>(columns, 8);
    share_halves<kColumns / 4>(columns, 16);
    TWINPATCH_UNROLL
    for (int i = 0; i < kColumns / 8; ++i) {
      const int c = group % 2 * (kColumns / 2) + group / 2 % 2 * (kColumns / 4) + group / 4 * (kColumns / 8) + i;
      shared.columns[warp.row / kWarpSide][warp.column + c / 2 * 8 + 2 * pair + c % 2] = columns[i];
    }
  }
}

/// What a row or a column adds to a value, 0 where its numbers may be beyond what the operand holds; then `wild` is
/// set.
__device__ inline float constant(const SlabTile& tile, const NarrowRows& side, std::int64_t i, int& wild) {
  if (i >= side.rows.count) return 0;
  if (side.norms[i] <= tile.largest) return tile.share * side.norms[i] + (tile.scalars ? side.rows.scalars[i] : 0.0F);
  wild = 1;
  return 0;
}

/// Where sums begin: what the row and the column of each add.
__device__ inline void begin_sums(const Shared& shared, std::int64_t rows, WarpPlace warp, Sums& sums) {
  TWINPATCH_UNROLL
  for (int i = 0; i < kTall; ++i) {
    TWINPATCH_UNROLL
    for (int j = 0; j < kWide; ++j) {
      TWINPATCH_UNROLL
      for (int r = 0; r < 4; ++r) {
        const int row = warp.row + i * 16 + r / 2 * 8 + lane_index() / 4;
        const int column = warp.column + j * 8 + lane_index() % 4 * 2 + r % 2;
        sums[i][j][r] = row < rows ? shared.row_constants[row] + shared.column_constants[column] : kAbsent;
      }
    }
  }
}

/// Values of pairs of rows of both sides, reduced to summaries.
/// left [rows, length], right [columns, length] in 16 bits, norms of both; summaries: see Summaries.
/// Block: 128 rows by up to eight slabs of 128 columns. The left side lies in shared memory, 256 k at a time: once
/// where rows are no longer; the right side comes 32 k at a time, three stages, two ahead. Warp: 64 × 64, in the layout
/// of sums on tensor cores, 16 × 8 at a time; sums begin with offset + share · (left norm + right norm) + margin. A
/// slab with rows beyond the operand's range is unknown. Shared: 96,256 bytes. Floor: see the forms; 4 bytes of L2 a
/// pair for the right side's rows and ½ for the left's (256 k), 0.16 bytes of summaries. Reference: the twins in
/// tests/cuda/slabs_test.cpp.
template <class Form, bool kBoth>
__global__ void __launch_bounds__(kThreads, 2)
    slabs_kernel(SlabTile tile, bool aligned, std::int64_t slabs, Summaries out) {
  auto& shared = *reinterpret_cast<Shared*>(dynamic_shared_memory());
  const int thread = static_cast<int>(threadIdx.x);
  const WarpPlace warp{thread / 64 * kWarpSide, thread / kWarp % 2 * kWarpSide};
  const Form form(tile);
  const std::int64_t tall = (tile.left.rows.count + kSide - 1) / kSide;
  const std::int64_t row_slab = blockIdx.x % tall;
  const std::int64_t first_row = row_slab * kSide;
  const Side left{static_cast<const std::uint16_t*>(tile.left.operand) + first_row * tile.length,
                  tile.left.rows.count - first_row, tile.length, aligned};
  int wild_rows = 0;
  const float row_constant = constant(tile, tile.left, first_row + thread, wild_rows);
  shared.row_constants[thread] = row_constant + tile.margin + tile.offset;
  wild_rows = __syncthreads_or(wild_rows);
  if (tile.length <= kHeld) fetch_held(left, 0, shared.left);

  const std::int64_t begin = blockIdx.x / tall * kRun;
  for (std::int64_t slab = begin; slab < begin + kRun && slab < slabs; ++slab) {
    const std::int64_t segment = tile.segments.segment_of(slab);
    const std::int64_t first = tile.segments.begin(segment) + (slab - tile.segments.slab_of(segment)) * kSlab;
    const std::int64_t count = min(tile.segments.begin(segment + 1) - first, kSlab);
    if (count <= 0) continue;
    int wild = 0;
    const float own = constant(tile, tile.right, first + thread, wild);
    shared.column_constants[thread] = thread < count ? own : kAbsent;
    wild = __syncthreads_or(thread < count ? wild : 0) | wild_rows;
    Sums sums;
    begin_sums(shared, left.count, warp, sums);
    const Side right{static_cast<const std::uint16_t*>(tile.right.operand) + first * tile.length, count, tile.length,
                     aligned};
    sum_up(left, right, form, shared, warp, sums);
    reduce<kBoth>(sums, warp, shared);
    __syncthreads();
    if (thread < left.count) {
      SlabBest<2> best = shared.rows[0][thread];
      best.merge(shared.rows[1][thread]);
      float* const to = out.rows + slab * 3 * tile.left.rows.count + first_row + thread;
      to[0] = wild != 0 ? kUnknown : best.first;
      to[tile.left.rows.count] = best.second;
      to[2 * tile.left.rows.count] = wild != 0 ? kUnknown : best.bound;
    }
    if (kBoth && thread < count) {
      SlabBest<1> best = shared.columns[0][thread];
      best.merge(shared.columns[1][thread]);
      float* const to = out.columns + row_slab * 2 * tile.segments.columns + first + thread;
      to[0] = wild != 0 ? kUnknown : best.first;
      to[tile.segments.columns] = wild != 0 ? kUnknown : best.bound;
    }
  }
}

/// Launches the kernel of a form.
template <class Form>
void launch_slabs(cudaStream_t stream, const char* name, const SlabTile& tile, Summaries summaries) {
  const std::int64_t slabs = column_slabs(tile.segments.columns, tile.segments.count);
  const std::int64_t blocks = row_slabs(tile.left.rows.count) * blocks_for(slabs, kRun);
  const auto misplaced =
      reinterpret_cast<std::uintptr_t>(tile.left.operand) | reinterpret_cast<std::uintptr_t>(tile.right.operand);
  const bool aligned = tile.length % kChunk == 0 && misplaced % sizeof(Chunk) == 0;
  const auto kernel = summaries.columns != nullptr ? &slabs_kernel<Form, true> : &slabs_kernel<Form, false>;
  launch(stream, {.grid = {blocks}, .block = dim3(kThreads), .shared = sizeof(Shared)}, name, kernel, tile, aligned,
         slabs, summaries);
}

}  // namespace twinpatch::cuda::kernels
