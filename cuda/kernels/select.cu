// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "kernels/select_limits.cuh"

namespace twinpatch::cuda::kernels {
namespace {

/// A value that must be looked at: it reaches the limit, or is not finite.
__device__ int is_hit(float value, float needed) {
  return static_cast<int>(value >= needed) | static_cast<int>(!is_finite(value));  // without a branch
}

/// Whether one of load(0) … load(kAhead − 1) reaches limit(0) …, in any lane. Beyond the end the last value comes
/// again: loads without conditions go out together.
template <class Load, class Limit>
__device__ bool any_hit(const Load& load, const Limit& limit) {
  float values[kAhead];
  TWINPATCH_UNROLL
  for (int u = 0; u < kAhead; ++u) values[u] = load(u);
  int hits = 0;
  TWINPATCH_UNROLL
  for (int u = 0; u < kAhead; ++u) hits |= is_hit(values[u], limit(u));
  return __any_sync(kAllLanes, hits) != 0;
}

/// Best of each row in each segment.
/// tile.values [rows, stride], keys.rows [segments, grid rows, top_k] descending.
/// Warp: one row of one segment at a time (grid-stride), 256 columns at a time, or the 32s that select_columns_kernel
/// has marked; lane: every 32nd. Values that reach the row's limit are taken one after another by the whole warp, in
/// order of columns; keys are a total order, so the order does not matter. Scores that are not finite are reported in
/// *keys.first_bad and not kept. Reference: reference::select, once a segment.
template <class Rule>
__global__ void select_rows_kernel(ValueTile tile, SelectionKeys keys, SelectionMarks marks, Rule rule) {
  const int lane = lane_index();
  const std::int64_t words = mark_words(tile.columns);
  for (std::int64_t n = global_warp(); n < tile.rows * keys.tile_segments; n += all_warps()) {
    const std::int64_t i = n % tile.rows;
    const std::int64_t segment = keys.first_segment + n / tile.rows;
    const SegmentColumns own = segment_columns(tile, keys, segment);
    const float* const values = tile.values + i * tile.stride;
    std::uint64_t* const kept = row_keys(keys, segment, tile.first_row + i);
    std::uint64_t last = kept[keys.top_k - 1];
    const float bound = marks.needed != nullptr && marks.needed[n] != kNoLimit ? marks.needed[n] : -kLargest;
    float needed = fmaxf(row_limit(keys, last, rule), bound);
    const auto take = [&](std::int64_t first) {  // 32 columns
      const std::int64_t j = first + lane;
      const bool inside = j >= own.begin && j < own.end;
      const float value = inside ? rule.value(values[j], i, j) : 0;
      unsigned hits = __ballot_sync(kAllLanes, inside && is_hit(value, needed) != 0);
      while (hits != 0) {
        const int source = __ffs(static_cast<int>(hits)) - 1;
        hits &= hits - 1;
        const std::int64_t column = first + source;
        const float score = rule.score(__shfl_sync(kAllLanes, value, source), i, column);
        if (!is_finite(score)) {
          const std::int64_t position = (tile.first_row + i) << 32 | (tile.first_column + column);
          if (lane == 0) atomicMax(keys.first_bad, ~static_cast<unsigned long long>(position));
          continue;
        }
        const std::uint64_t key = pack_key(score, static_cast<std::int32_t>(tile.first_column + column - own.first));
        if (score < keys.threshold || key <= last) continue;
        insert_key(kept, keys.top_k, key);
        last = kept[keys.top_k - 1];
        needed = fmaxf(row_limit(keys, last, rule), bound);
      }
    };
    if (marks.chunks != nullptr && marks.needed[n] != kNoLimit) {
      const std::int64_t end = mark_words(own.end);
      for (std::int64_t word = own.begin / (kWarp * kWarp); word < end; word += kWarp) {
        const unsigned mine = word + lane < end ? marks.chunks[i * words + word + lane] : 0;
        for (unsigned busy = __ballot_sync(kAllLanes, mine != 0); busy != 0; busy &= busy - 1) {
          const int source = __ffs(static_cast<int>(busy)) - 1;
          for (unsigned chunks = __shfl_sync(kAllLanes, mine, source); chunks != 0; chunks &= chunks - 1) {
            take(((word + source) * kWarp + __ffs(static_cast<int>(chunks)) - 1) * kWarp);
          }
        }
      }
      continue;
    }
    for (std::int64_t first = own.begin; first < own.end; first += kAhead * kWarp) {
      const auto load = [&](int u) {
        const std::int64_t j = min(first + u * kWarp + lane, own.end - 1);
        return rule.value(values[j], i, j);
      };
      if (!any_hit(load, [&](int /*u*/) { return needed; })) continue;
      for (int u = 0; u < kAhead && first + u * kWarp < own.end; ++u) take(first + u * kWarp);
    }
  }
}

/// Best row of each column, and which 32 columns of a row hold something for that row.
/// tile.values [rows, stride], keys.columns [grid columns], marks: see SelectionMarks. A lane's rows have the limits of
/// its column's segment.
/// Warp: 32 columns by `part_rows` rows at a time (grid-stride); lane: one column, eight rows at a time. The best of a
/// lane is merged by an integer maximum, whose result does not depend on the order. Values are read once for both: rows
/// with a limit need few of them again. Reference: reference::select.
template <class Rule>
__global__ void select_columns_kernel(ValueTile tile, SelectionKeys keys, SelectionMarks marks, std::int64_t part_rows,
                                      Rule rule) {
  const int lane = lane_index();
  const std::int64_t across = (tile.columns + kWarp - 1) / kWarp;
  const std::int64_t parts = across * ((tile.rows + part_rows - 1) / part_rows);
  for (std::int64_t part = global_warp(); part < parts; part += all_warps()) {
    const std::int64_t j = part % across * kWarp + lane;
    const bool inside = j < tile.columns;
    const std::int64_t near = min(j, tile.columns - 1);
    const float* const row_needed = marks.needed + tile_segment(keys, tile.first_column + near) * tile.rows;
    const std::int64_t begin = part / across * part_rows;
    const std::int64_t end = begin + part_rows < tile.rows ? begin + part_rows : tile.rows;
    std::uint64_t best = inside ? keys.columns[tile.first_column + j] : 0;
    const std::uint64_t before = best;
    const float bound = column_limit(tile, marks, near, rule);
    float needed = best != 0 ? fmaxf(rule.needed(key_score(best)), bound) : bound;
    const auto offer = [&](float score, std::int64_t i) {
      if (!is_finite(score)) return;  // the rows' kernel reports it
      const std::uint64_t key = pack_key(score, static_cast<std::int32_t>(tile.first_row + i));
      if (key <= best) return;
      best = key;
      needed = fmaxf(rule.needed(score), bound);
    };
    const auto take = [&](std::int64_t i) {  // one row
      const float value = inside ? rule.value(tile.values[i * tile.stride + j], i, j) : 0;
      const bool for_row = __any_sync(kAllLanes, inside && is_hit(value, row_needed[i]) != 0) != 0;
      if (for_row && lane == 0) {
        const std::int64_t chunk = part % across;
        atomicOr(&marks.chunks[i * mark_words(tile.columns) + chunk / kWarp], 1U << chunk % kWarp);
      }
      const bool hit = inside && is_hit(value, needed) != 0;
      if constexpr (Rule::kExact) {
        if (hit) offer(value, i);
      } else {
        for (unsigned hits = __ballot_sync(kAllLanes, hit); hits != 0; hits &= hits - 1) {
          const int source = __ffs(static_cast<int>(hits)) - 1;
          const float score = rule.score(value, i, j - lane + source);
          if (lane == source) offer(score, i);
        }
      }
    };
    for (std::int64_t first = begin; first < end; first += kAhead) {
      const auto row = [&](int u) { return min(first + u, end - 1); };
      const auto load = [&](int u) { return rule.value(tile.values[row(u) * tile.stride + near], row(u), near); };
      if (!any_hit(load, [&](int u) { return fminf(needed, row_needed[row(u)]); })) continue;
      for (std::int64_t i = first; i < first + kAhead && i < end; ++i) take(i);
    }
    if (best > before) atomicMax(reinterpret_cast<unsigned long long*>(keys.columns) + tile.first_column + j, best);
  }
}

template <class Rule>
void select(cudaStream_t stream, ValueTile tile, SelectionKeys keys, SelectionMarks marks, const Rule& rule) {
  if (tile.rows == 0 || tile.columns == 0) return;
  const std::int64_t items = tile.rows * keys.tile_segments;
  const std::int64_t part_rows = part_rows_of(tile);
  find_limits(stream, tile, keys, marks, rule);
  if (keys.columns != nullptr) {
    launch(stream, per_warp(blocks_for(tile.columns, kWarp) * blocks_for(tile.rows, part_rows)), "select_columns",
           &select_columns_kernel<Rule>, tile, keys, marks, part_rows, rule);
  }
  launch(stream, per_warp(items), "select_rows", &select_rows_kernel<Rule>, tile, keys, marks, rule);
}

}  // namespace

void select_scores(cudaStream_t stream, ValueTile tile, SelectionKeys keys, SelectionMarks marks) {
  select(stream, tile, keys, marks, AsIs{});
}

void select_rescored(cudaStream_t stream, ValueTile tile, SelectionKeys keys, SelectionMarks marks,
                     Rescoring rescoring) {
  switch (rescoring.operation) {
    case PairOperation::head:
      return select(stream, tile, keys, marks, AsIs{});
    case PairOperation::l2:
      return select(stream, tile, keys, marks, Rescored<PairOperation::l2>{rescoring});
    case PairOperation::l1:
      return select(stream, tile, keys, marks, Rescored<PairOperation::l1>{rescoring});
    case PairOperation::dot:
      return select(stream, tile, keys, marks, Rescored<PairOperation::dot>{rescoring});
  }
}

}  // namespace twinpatch::cuda::kernels
