// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "kernels/select_limits.cuh"
#include "kernels/slabs.hpp"

namespace twinpatch::cuda::kernels {
namespace {

/// The row of a lane, in one segment: its slabs are of columns.
struct RowLine {
  static constexpr bool kRow = true;
  static constexpr int kBest = 2;
  __device__ static std::int64_t groups(const SlabTile& tile) {
    return (tile.left.rows.count + kWarp - 1) / kWarp * tile.segments.count;
  }
  __device__ RowLine(const SlabTile& tile, const Summaries& summaries, std::int64_t group)
      : values(summaries.rows), lines(tile.left.rows.count) {
    const std::int64_t wide = (lines + kWarp - 1) / kWarp;
    segment = group / wide;
    line = group % wide * kWarp + lane_index();
    begin = tile.segments.begin(segment);
    end = tile.segments.begin(segment + 1);
    first_slab = tile.segments.slab_of(segment);
  }
  const float* values;
  std::int64_t lines;
  std::int64_t line;     ///< may be beyond the last
  std::int64_t segment;  ///< of the tile
  std::int64_t begin, end, first_slab;
};

/// The column of a lane: its slabs are of rows.
struct ColumnLine {
  static constexpr bool kRow = false;
  static constexpr int kBest = 1;
  __device__ static std::int64_t groups(const SlabTile& tile) { return (tile.segments.columns + kWarp - 1) / kWarp; }
  __device__ ColumnLine(const SlabTile& tile, const Summaries& summaries, std::int64_t group)
      : values(summaries.columns),
        lines(tile.segments.columns),
        line(group * kWarp + lane_index()),
        end(tile.left.rows.count) {}
  const float* values;
  std::int64_t lines;
  std::int64_t line;
  std::int64_t segment = 0;
  std::int64_t begin = 0, end, first_slab = 0;
};

/// Whether a pair with this value may reach the limit.
__device__ bool reaches(float value, float needed) {
  return value >= kUnknown || (value > 0.5F * kAbsent && most(value) >= needed);
}

/// What the walk of a lane over its line's slabs is made of.
template <PairOperation kOperation, class Line>
struct Walk {
  const SlabTile& tile;
  const SelectionKeys& keys;
  Rescored<kOperation> exact;
  Line own;
  std::int64_t line;  ///< of this lane; the last one beyond that
  std::int64_t slabs;
  int top_k;

  __device__ Walk(const SlabTile& of, const Summaries& summaries, const SelectionKeys& into, std::int64_t group)
      : tile(of),
        keys(into),
        exact{{.operation = kOperation,
               .left = of.left.rows,
               .right = of.right.rows,
               .length = of.row_length,
               .slack = 1e-6,
               .weights = of.weights}},
        own(of, summaries, group),
        line(min(own.line, own.lines - 1)),
        slabs((own.end - own.begin + kSlab - 1) / kSlab),
        top_k(Line::kRow ? static_cast<int>(into.top_k) : 1) {}

  __device__ float plane(std::int64_t slab, int which) const {
    return own.values[((own.first_slab + slab) * (Line::kBest + 1) + which) * own.lines + line];
  }
  __device__ std::int64_t first_of(std::int64_t slab) const { return own.begin + slab * kSlab; }
  __device__ std::uint64_t* kept(std::int64_t of) const {
    return Line::kRow ? row_keys(keys, keys.first_segment + own.segment, tile.first_row + of)
                      : keys.columns + tile.segments.first_column + of;
  }
  /// What a value must reach where `last` is the lowest of a line's keys.
  __device__ float limit(std::uint64_t last) const {
    if constexpr (Line::kRow) return row_limit(keys, last, exact);
    return last != 0 ? exact.needed(key_score(last)) : -kLargest;
  }

  /// What a value must reach by the least worth of the best top_k pairs, of one or two, at least `needed`.
  __device__ float find_limit(float needed) const {
    if (top_k > 2) return needed;
    const auto width = static_cast<float>(2 * tile.slack);
    BestTwo best;
    for (std::int64_t slab = 0; slab < slabs; ++slab) {
      for (int b = 0; b < Line::kBest; ++b) {
        const float value = plane(slab, b);
        if (value >= kUnknown || !reaches(value, needed)) continue;
        const std::int64_t other = first_of(slab) + slab_number(value);
        const float norms = tile.left.norms[Line::kRow ? line : other] + tile.right.norms[Line::kRow ? other : line];
        best.add(least(value) - width * norms - 2 * tile.margin);
      }
    }
    const float worth = top_k == 1 ? best.first : best.second;
    return is_finite(worth) ? fmaxf(needed, exact.needed_for(worth)) : needed;
  }

  /// Scores a pair by the whole warp, and keeps it where it belongs to the best of line `of`.
  __device__ void take(std::int64_t of, std::int64_t other) const {
    const std::int64_t i = Line::kRow ? of : other;
    const std::int64_t j = Line::kRow ? other : of;
    const float score = exact.score(0, i, j);
    const std::int64_t row = tile.first_row + i;
    const std::int64_t column = tile.segments.first_column + j;
    if (!is_finite(score)) {  // rows report it
      if (Line::kRow && lane_index() == 0)
        atomicMax(keys.first_bad, ~static_cast<unsigned long long>(row << 32 | column));
      return;
    }
    if (Line::kRow && score < keys.threshold) return;
    const std::int64_t start =
        keys.segment_begins != nullptr ? keys.segment_begins[keys.first_segment + own.segment] : 0;
    const std::uint64_t key = pack_key(score, static_cast<std::int32_t>(Line::kRow ? column - start : row));
    if (key > kept(of)[top_k - 1]) insert_key(kept(of), top_k, key);
  }

  /// By the whole warp: of a slab whose best value reaches the limit of lane `source`, what may be kept of its line.
  __device__ void take_slab(std::int64_t slab, float needed, int source) const {
    const auto source_reaches = [&](float value) {
      return __shfl_sync(kAllLanes, reaches(value, needed) ? 1 : 0, source) != 0;
    };
    const std::int64_t of = __shfl_sync(kAllLanes, line, source);
    const std::int64_t first = first_of(slab);
    if (source_reaches(plane(slab, Line::kBest))) {  // more than are named
      for (std::int64_t other = first; other < min(first + kSlab, own.end); ++other) take(of, other);
      return;
    }
    for (int b = 0; b < Line::kBest; ++b) {
      const float value = plane(slab, b);
      if (source_reaches(value)) take(of, first + __shfl_sync(kAllLanes, slab_number(value), source));
    }
  }
};

/// The best of rows in each segment (Line = RowLine) or of columns (ColumnLine), scored exactly.
/// summaries: see Summaries; keys.rows [segments, grid rows, top_k] or keys.columns [grid columns], descending.
/// Warp: 32 lines at a time (grid-stride); lane: one line. One walk over its slabs finds a limit, a second one takes
/// what reaches it and raises it. Scores that are not finite are reported in *keys.first_bad and not kept. Floor: the
/// summaries twice, 0.2 to 0.3 bytes a pair. Reference: reference::select.
template <PairOperation kOperation, class Line>
__global__ void select_slabs_kernel(SlabTile tile, Summaries summaries, SelectionKeys keys) {
  for (std::int64_t group = global_warp(); group < Line::groups(tile); group += all_warps()) {
    const Walk<kOperation, Line> walk(tile, summaries, keys, group);
    const bool inside = walk.own.line < walk.own.lines;
    const std::uint64_t* const last = walk.kept(walk.line) + walk.top_k - 1;
    float needed = walk.find_limit(walk.limit(*last));
    for (std::int64_t slab = 0; slab < walk.slabs; ++slab) {
      unsigned hits = __ballot_sync(kAllLanes, inside && reaches(walk.plane(slab, 0), needed) ? 1 : 0);
      for (; hits != 0; hits &= hits - 1) {
        const int source = __ffs(static_cast<int>(hits)) - 1;
        walk.take_slab(slab, needed, source);
        if (lane_index() == source) needed = fmaxf(needed, walk.limit(*last));
      }
    }
  }
}

template <PairOperation kOperation>
void select(cudaStream_t stream, const SlabTile& tile, Summaries summaries, SelectionKeys keys) {
  launch(stream, per_warp(blocks_for(tile.left.rows.count, kWarp) * tile.segments.count), "select_slabs_rows",
         &select_slabs_kernel<kOperation, RowLine>, tile, summaries, keys);
  if (summaries.columns == nullptr) return;
  launch(stream, per_warp(blocks_for(tile.segments.columns, kWarp)), "select_slabs_columns",
         &select_slabs_kernel<kOperation, ColumnLine>, tile, summaries, keys);
}

}  // namespace

void select_slabs(cudaStream_t stream, PairOperation operation, const SlabTile& tile, Summaries summaries,
                  SelectionKeys keys) {
  if (tile.left.rows.count == 0 || tile.segments.columns == 0) return;
  switch (operation) {
    case PairOperation::head:
      return select<PairOperation::head>(stream, tile, summaries, keys);
    case PairOperation::l2:
      return select<PairOperation::l2>(stream, tile, summaries, keys);
    case PairOperation::dot:
      return select<PairOperation::dot>(stream, tile, summaries, keys);
    case PairOperation::l1:
      return select<PairOperation::l1>(stream, tile, summaries, keys);
  }
}

}  // namespace twinpatch::cuda::kernels
