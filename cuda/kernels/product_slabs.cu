// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "kernels/product_slabs.hpp"

#include "kernels/slab_best.cuh"
#include "kernels/tensor_core.cuh"
#include "runtime/shared_memory.cuh"

namespace twinpatch::cuda::kernels {
namespace {

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
__device__ int held_place(int row, int chunk) { return row * kHeldChunks + (chunk ^ (row & 7)); }
__device__ int stage_place(int row, int chunk) { return row * kStageChunks + (chunk ^ (row >> 1 & 3)); }

/// Numbers k … k + 7 of a row, on their way; zeros beyond its end, and where there is no row.
__device__ void fetch(const std::uint16_t* row, std::int64_t k, std::int64_t length, bool aligned, Chunk* to) {
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

__device__ void fetch_held(const Side& side, std::int64_t k, Chunk* to) {
  for (int n = static_cast<int>(threadIdx.x); n < kSide * kHeldChunks; n += kThreads) {
    const int row = n / kHeldChunks;
    const int chunk = n % kHeldChunks;
    fetch(side.row(row), k + chunk * kChunk, side.length, side.aligned, to + held_place(row, chunk));
  }
}
__device__ void fetch_stage(const Side& side, std::int64_t k, Chunk* to) {
  for (int n = static_cast<int>(threadIdx.x); n < kSide * kStageChunks; n += kThreads) {
    const int row = n / kStageChunks;
    const int chunk = n % kStageChunks;
    fetch(side.row(row), k + chunk * kChunk, side.length, side.aligned, to + stage_place(row, chunk));
  }
}

using Sums = float[kTall][kWide][4];

/// sums += the products of one stage, 16 k at a time; `k` of it among those held.
template <class T>
__device__ void add_products(const Shared& shared, int stage, int k, int warp_row, int warp_column, Sums& sums) {
  const int lane = lane_index();
  TWINPATCH_UNROLL
  for (int step = 0; step < kStage / 16; ++step) {
    unsigned left[kTall][4];
    TWINPATCH_UNROLL
    for (int i = 0; i < kTall; ++i) {
      const int row = warp_row + i * 16 + lane % 16;
      load_matrices(&shared.left[held_place(row, k / kChunk + step * 2 + lane / 16)], left[i]);
    }
    TWINPATCH_UNROLL
    for (int j = 0; j < kWide; j += 2) {
      const int column = warp_column + j * 8 + lane % 8 + lane / 16 * 8;
      unsigned right[4];
      load_matrices(&shared.right[stage][stage_place(column, step * 2 + lane / 8 % 2)], right);
      TWINPATCH_UNROLL
      for (int i = 0; i < kTall; ++i) {
        multiply_add<T>(sums[i][j], left[i], right[0], right[1]);
        multiply_add<T>(sums[i][j + 1], left[i], right[2], right[3]);
      }
    }
  }
}

/// sums += left · rightᵀ over the whole length. The left side's numbers stay where they are held at once. Ends with all
/// of the block's threads done with the right side's stages.
template <class T>
__device__ void multiply(const Side& left, const Side& right, bool held, Shared& shared, int warp_row, int warp_column,
                         Sums& sums) {
  for (std::int64_t begin = 0; begin < left.length; begin += kHeld) {
    if (!held) fetch_held(left, begin, shared.left);
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
      add_products<T>(shared, stage % kStages, stage * kStage, warp_row, warp_column, sums);
    }
    __syncthreads();
  }
}

/// A value with its number in the slab, or a part of it, in the low seven bits.
__device__ float numbered(float value, unsigned number) {
  return __uint_as_float((__float_as_uint(value) & ~127U) | number);
}
__device__ float or_number(float value, unsigned number) { return __uint_as_float(__float_as_uint(value) | number); }

/// Of each of the tile's rows and columns what is best, into shared.rows and shared.columns. Lane: rows group + 8 h of
/// each 16 of its warp and columns 2 · pair + e of each 8; what four (eight) lanes have of a row (column) they merge by
/// halves, so that each ends with two rows and two columns.
template <bool kBoth>
__device__ void reduce(const Sums& sums, int warp_row, int warp_column, Shared& shared) {
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
    found[r].first = or_number(found[r].first, static_cast<unsigned>(warp_column + 2 * pair));
    rows[r] = SlabBest<2>::of(found[r], kAbsent);
  }
  share_halves<kRows>(rows, 1);
  share_halves<kRows / 2>(rows, 2);
  TWINPATCH_UNROLL
  for (int i = 0; i < kRows / 4; ++i) {
    const int r = pair % 2 * (kRows / 2) + pair / 2 * (kRows / 4) + i;
    shared.rows[warp_column / kWarpSide][warp_row + r / 2 * 16 + r % 2 * 8 + group] = rows[i];
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
      columns[c].first = or_number(columns[c].first, static_cast<unsigned>(warp_row + group));
    }
    share_halves<kColumns>(columns, 4);
    share_halves<kColumns / 2>(columns, 8);
    share_halves<kColumns / 4>(columns, 16);
    TWINPATCH_UNROLL
    for (int i = 0; i < kColumns / 8; ++i) {
      const int c = group % 2 * (kColumns / 2) + group / 2 % 2 * (kColumns / 4) + group / 4 * (kColumns / 8) + i;
      shared.columns[warp_row / kWarpSide][warp_column + c / 2 * 8 + 2 * pair + c % 2] = columns[i];
    }
  }
}

/// What a row or a column adds to a value, 0 where its numbers may be beyond what T holds; then `wild` is set.
__device__ float constant(const ProductTile& tile, const RowMatrix& rows, std::int64_t i, int& wild) {
  if (i >= rows.count) return 0;
  const float squares = rows.scalars[i];
  if (squares <= tile.largest) return tile.share * squares;
  wild = 1;
  return 0;
}

/// Products of rows of both sides, reduced to summaries.
/// left [rows, length], right [columns, length] in T, ‖row‖² of both; summaries: see Summaries.
/// Block: 128 rows by up to eight slabs of 128 columns. The left side lies in shared memory, 256 k at a time: once
/// where rows are no longer; the right side comes 32 k at a time, three stages, two ahead. Warp: 64 × 64, as 4 × 8
/// products of 16 × 8 × 16 on tensor cores; sums begin with share · (‖left‖² + ‖right‖²) + margin. A slab with rows
/// beyond T's range is unknown. Shared: 96,256 bytes. Floor, for 256-d rows: 512 operations a pair; 2 bytes of L2 a
/// pair for the right side's rows and ¼ for the left's; 0.16 bytes of summaries. Reference: the twin in
/// tests/cuda/product_slabs_test.cpp.
template <class T, bool kBoth>
__global__ void __launch_bounds__(kThreads, 2)
    product_slabs_kernel(ProductTile tile, bool aligned, std::int64_t slabs, Summaries out) {
  auto& shared = *reinterpret_cast<Shared*>(dynamic_shared_memory());
  const int thread = static_cast<int>(threadIdx.x);
  const int warp_row = thread / 64 * kWarpSide;
  const int warp_column = thread / kWarp % 2 * kWarpSide;
  const std::int64_t tall = (tile.left.rows.count + kSide - 1) / kSide;
  const std::int64_t row_slab = blockIdx.x % tall;
  const std::int64_t first_row = row_slab * kSide;
  const Side left{static_cast<const std::uint16_t*>(tile.left.operand) + first_row * tile.length,
                  tile.left.rows.count - first_row, tile.length, aligned};
  const bool held = tile.length <= kHeld;
  int wild_rows = 0;
  shared.row_constants[thread] = constant(tile, tile.left.rows, first_row + thread, wild_rows) + tile.margin;
  wild_rows = __syncthreads_or(wild_rows);
  if (held) fetch_held(left, 0, shared.left);

  const std::int64_t begin = blockIdx.x / tall * kRun;
  for (std::int64_t slab = begin; slab < begin + kRun && slab < slabs; ++slab) {
    const std::int64_t segment = tile.segments.segment_of(slab);
    const std::int64_t first =
        tile.segments.begin(segment) + (slab - tile.segments.slab_of(segment)) * std::int64_t{kSide};
    const std::int64_t count = min(tile.segments.begin(segment + 1) - first, std::int64_t{kSide});
    if (count <= 0) continue;
    int wild = 0;
    const float own = constant(tile, tile.right.rows, first + thread, wild);
    shared.column_constants[thread] = thread < count ? own : kAbsent;
    wild = __syncthreads_or(thread < count ? wild : 0) | wild_rows;
    Sums sums;
    TWINPATCH_UNROLL
    for (int i = 0; i < kTall; ++i) {
      TWINPATCH_UNROLL
      for (int j = 0; j < kWide; ++j) {
        TWINPATCH_UNROLL
        for (int r = 0; r < 4; ++r) {
          const int row = warp_row + i * 16 + r / 2 * 8 + lane_index() / 4;
          const int column = warp_column + j * 8 + lane_index() % 4 * 2 + r % 2;
          sums[i][j][r] = first_row + row < tile.left.rows.count
                              ? shared.row_constants[row] + shared.column_constants[column]
                              : kAbsent;
        }
      }
    }
    const Side right{static_cast<const std::uint16_t*>(tile.right.operand) + first * tile.length, count, tile.length,
                     aligned};
    multiply<T>(left, right, held, shared, warp_row, warp_column, sums);
    reduce<kBoth>(sums, warp_row, warp_column, shared);
    __syncthreads();
    if (first_row + thread < tile.left.rows.count) {
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

}  // namespace

void product_slabs(cudaStream_t stream, NumberType type, const ProductTile& tile, Summaries summaries) {
  const std::int64_t slabs = column_slabs(tile.segments.columns, tile.segments.count);
  const std::int64_t blocks = row_slabs(tile.left.rows.count) * blocks_for(slabs, kRun);
  const auto misplaced =
      reinterpret_cast<std::uintptr_t>(tile.left.operand) | reinterpret_cast<std::uintptr_t>(tile.right.operand);
  const bool aligned = tile.length % kChunk == 0 && misplaced % sizeof(Chunk) == 0;
  const LaunchShape shape{.grid = {blocks}, .block = dim3(kThreads), .shared = sizeof(Shared)};
  const auto run = [&]<class T>(T) {
    const auto kernel = summaries.columns != nullptr ? &product_slabs_kernel<T, true> : &product_slabs_kernel<T, false>;
    launch(stream, shape, "product_slabs", kernel, tile, aligned, slabs, summaries);
  };
  type == NumberType::bf16 ? run(Bfloat16{}) : run(Half{});
}

}  // namespace twinpatch::cuda::kernels
