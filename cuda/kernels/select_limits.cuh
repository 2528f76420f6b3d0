// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/select_rules.cuh"

// Before a tile is selected from: what its values must reach. Rows and columns that have kept something have a limit;
// for the others, values that are bounds give one: of the pairs of a row, those whose score may reach the best one's
// least worth are few, and no other is scored again.

namespace twinpatch::cuda::kernels {

/// Values of a row, or of a column, that a lane has under way at once: memory is kept busy by many loads, not by many
/// warps alone, and looked at one after another only where one of them is a hit.
constexpr int kAhead = 8;

/// The larger two of some numbers.
struct BestTwo {
  float first = -INFINITY;
  float second = -INFINITY;
  __device__ void add(float value) {
    second = fmaxf(second, fminf(first, value));
    first = fmaxf(first, value);
  }
};

/// Limits of rows. keys.rows [segments, grid rows, top_k]; marks.needed [tile segments, tile rows].
/// Warp: one row of one segment at a time (grid-stride). Where it has kept nothing, its bounds are swept once for the
/// least worth of its best top_k pairs (of one or two); lane: every 32nd column.
template <class Rule>
__global__ void row_limits_kernel(ValueTile tile, SelectionKeys keys, float* needed, Rule rule) {
  const int lane = lane_index();
  for (std::int64_t n = global_warp(); n < tile.rows * keys.tile_segments; n += all_warps()) {
    const std::int64_t i = n % tile.rows;
    const std::int64_t segment = keys.first_segment + n / tile.rows;
    const std::uint64_t last = row_keys(keys, segment, tile.first_row + i)[keys.top_k - 1];
    float limit = last != 0 || keys.threshold > -kLargest ? row_limit(keys, last, rule) : kNoLimit;
    if constexpr (!Rule::kExact) {
      if (last == 0 && keys.top_k <= 2) {
        const SegmentColumns own = segment_columns(tile, keys, segment);
        BestTwo best;
        for (std::int64_t j = own.begin + lane; j < own.end; j += kWarp) {
          const float least = rule.least(tile.values[i * tile.stride + j], i, j);
          if (is_finite(least)) best.add(least);
        }
        for (int offset = kWarp / 2; offset > 0; offset /= 2) {
          const float first = __shfl_xor_sync(kAllLanes, best.first, offset);
          const float second = __shfl_xor_sync(kAllLanes, best.second, offset);
          best.add(first);
          best.add(second);
        }
        const float least = keys.top_k == 1 ? best.first : best.second;
        if (is_finite(least)) limit = limit == kNoLimit ? rule.needed_for(least) : fmaxf(limit, rule.needed_for(least));
      }
    }
    if (lane == 0) needed[n] = limit;
  }
}

/// Floats in the order of unsigned numbers; every finite one is above 0.
__device__ inline unsigned to_ordered(float value) {
  const unsigned bits = __float_as_uint(value);
  return (bits & 0x80000000U) != 0 ? ~bits : bits | 0x80000000U;
}
__device__ inline float from_ordered(unsigned ordered) {
  return __uint_as_float((ordered & 0x80000000U) != 0 ? ordered & 0x7fffffffU : ~ordered);
}

/// Limits of columns that have kept nothing. bounds [tile columns], zero; keys.columns [grid columns].
/// Warp: 32 columns by `part_rows` rows at a time (grid-stride); lane: one column.
template <class Rule>
__global__ void column_limits_kernel(ValueTile tile, SelectionKeys keys, unsigned* bounds, std::int64_t part_rows,
                                     Rule rule) {
  const int lane = lane_index();
  const std::int64_t across = (tile.columns + kWarp - 1) / kWarp;
  const std::int64_t parts = across * ((tile.rows + part_rows - 1) / part_rows);
  for (std::int64_t part = global_warp(); part < parts; part += all_warps()) {
    const std::int64_t j = part % across * kWarp + lane;
    if (j >= tile.columns || keys.columns[tile.first_column + j] != 0) continue;
    const std::int64_t begin = part / across * part_rows;
    const std::int64_t end = min(begin + part_rows, tile.rows);
    float best = -INFINITY;
    for (std::int64_t i = begin; i < end; ++i) {
      const float least = rule.least(tile.values[i * tile.stride + j], i, j);
      if (is_finite(least)) best = fmaxf(best, least);
    }
    if (is_finite(best)) atomicMax(&bounds[j], to_ordered(best));
  }
}

/// Where column_limits_kernel leaves what it finds: behind the marks.
__host__ __device__ inline unsigned* column_bounds(const ValueTile& tile, const SelectionMarks& marks) {
  return marks.chunks + tile.rows * mark_words(tile.columns);
}
/// What a column's next value must reach at least.
template <class Rule>
__device__ float column_limit(const ValueTile& tile, const SelectionMarks& marks, std::int64_t j, const Rule& rule) {
  if constexpr (!Rule::kExact) {
    if (const unsigned bound = column_bounds(tile, marks)[j]; bound != 0) return rule.needed_for(from_ordered(bound));
  }
  return -kLargest;
}

/// Rows of a part: as many parts as keep any device busy, no more, since each begins without the others' limits.
inline std::int64_t part_rows_of(const ValueTile& tile) {
  constexpr std::int64_t kParts = 4096;
  constexpr std::int64_t kFewest = 64;
  const std::int64_t even = tile.rows * blocks_for(tile.columns, kWarp) / kParts;
  return std::max(kFewest, even / kAhead * kAhead);
}

template <class Rule>
void find_limits(cudaStream_t stream, ValueTile tile, SelectionKeys keys, SelectionMarks marks, const Rule& rule) {
  if (marks.needed == nullptr) return;
  launch(stream, per_warp(tile.rows * keys.tile_segments), "row_limits", &row_limits_kernel<Rule>, tile, keys,
         marks.needed, rule);
  if constexpr (!Rule::kExact) {
    if (keys.columns == nullptr) return;
    const std::int64_t part_rows = part_rows_of(tile);
    launch(stream, per_warp(blocks_for(tile.columns, kWarp) * blocks_for(tile.rows, part_rows)), "column_limits",
           &column_limits_kernel<Rule>, tile, keys, column_bounds(tile, marks), part_rows, rule);
  }
}

}  // namespace twinpatch::cuda::kernels
