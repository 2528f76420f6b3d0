// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/pair_metric.cuh"

// What a tile's values mean to a selection, and where it keeps what it selects; for select.cu, select_limits.cuh and
// select_slabs.cu.

namespace twinpatch::cuda::kernels {

/// The values of a tile are its scores.
struct AsIs {
  static constexpr bool kExact = true;
  /// What a score must reach where `score` is the limit.
  __device__ static float needed(float score) { return score; }
  __device__ static float value(float value, std::int64_t /*i*/, std::int64_t /*j*/) { return value; }
  __device__ static float score(float value, std::int64_t /*i*/, std::int64_t /*j*/) { return value; }
};

/// The values are bounds, see Rescoring. score() is for a whole warp.
template <PairOperation kOperation>
struct Rescored {
  static constexpr bool kExact = false;
  Rescoring with;

  __device__ static float just_below(double value) { return nextafterf(static_cast<float>(value), -INFINITY); }
  __device__ float needed(float score) const {
    const double wanted = score;
    if constexpr (kOperation == PairOperation::l2) {
      if (score > 0) return INFINITY;  // no pair scores above 0
      return just_below(-0.5 * (1 + 1e-6) * wanted * wanted);
    } else if constexpr (kOperation == PairOperation::l1) {
      if (score > 0) return INFINITY;
      return just_below((1 + with.slack) * wanted);
    } else if constexpr (kOperation == PairOperation::head) {
      return score;
    } else {
      return just_below(wanted - 1e-6 * fabs(wanted));
    }
  }
  /// The least that the score of the pair can be worth, and what a value must reach where another pair is worth that:
  /// a little less, for scores that differ may be rounded to one.
  __device__ float least(float value, std::int64_t i, std::int64_t j) const {
    if constexpr (kOperation == PairOperation::l1) return value;
    const float share = kOperation == PairOperation::l2 ? -1 - with.share : -with.share;
    return value + share * (with.left.scalars[i] + with.right.scalars[j]) - with.margin;
  }
  __device__ float needed_for(float least) const {
    if constexpr (kOperation == PairOperation::l2) return just_below((1 + 1e-6) * fminf(least, 0.0F));
    if constexpr (kOperation == PairOperation::l1) return just_below((1 + 4 * with.slack + 1e-6) * least);
    if constexpr (kOperation == PairOperation::head) return least;
    return just_below(least - 1e-6 * fabs(static_cast<double>(least)));
  }
  __device__ float value(float value, std::int64_t i, std::int64_t j) const {
    if constexpr (kOperation == PairOperation::l1) return value;
    return value + with.share * (with.left.scalars[i] + with.right.scalars[j]) + with.margin;
  }
  __device__ float score(float /*value*/, std::int64_t i, std::int64_t j) const {
    const float* const a = with.left.values + i * with.length;
    const float* const b = with.right.values + j * with.length;
    if constexpr (kOperation == PairOperation::head) {
      return pair_head(a, b, with.weights, with.length) + with.right.scalars[j];
    } else {
      return pair_metric<kOperation>(a, b, with.length);
    }
  }
};

/// The value that a row's next score must reach; `last` is the lowest of its keys.
template <class Rule>
__device__ float row_limit(const SelectionKeys& keys, std::uint64_t last, const Rule& rule) {
  const float score = last != 0 ? key_score(last) : -kLargest;
  return rule.needed(score > keys.threshold ? score : keys.threshold);
}

/// A row that has no limit yet: it is walked whole, without marks.
constexpr float kNoLimit = INFINITY;

/// Columns of a tile that belong to one segment: [begin, end), counted from the tile's first; `first`: the grid column
/// where the segment begins.
struct SegmentColumns {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::int64_t first = 0;
};
__device__ inline SegmentColumns segment_columns(const ValueTile& tile, const SelectionKeys& keys,
                                                 std::int64_t segment) {
  if (keys.segment_begins == nullptr) return {0, tile.columns, 0};
  const std::int64_t first = keys.segment_begins[segment];
  const std::int64_t end = keys.segment_begins[segment + 1];
  const std::int64_t zero = 0;
  return {max(zero, first - tile.first_column), min(tile.columns, end - tile.first_column), first};
}
/// Number, among those of the tile, of the segment that a grid column belongs to: the last that begins at or before it.
__device__ inline std::int64_t tile_segment(const SelectionKeys& keys, std::int64_t column) {
  std::int64_t low = 0;
  std::int64_t high = keys.tile_segments - 1;
  while (low < high) {
    const std::int64_t middle = (low + high + 1) / 2;
    if (keys.segment_begins[keys.first_segment + middle] <= column) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}
__device__ inline std::uint64_t* row_keys(const SelectionKeys& keys, std::int64_t segment, std::int64_t grid_row) {
  return keys.rows + (segment * keys.grid_rows + grid_row) * keys.top_k;
}

/// Puts a key among `top_k` descending ones, on a whole warp, unless it is there already: a tile may be selected from
/// twice. Keys are moved 32 at a time, last ones first.
__device__ inline void insert_key(std::uint64_t* keys, std::int64_t top_k, std::uint64_t key) {
  const int lane = lane_index();
  bool there = false;
  for (std::int64_t at = lane; at < top_k; at += kWarp) there = there || keys[at] == key;
  if (__any_sync(kAllLanes, there)) return;
  for (std::int64_t base = (top_k - 1) / kWarp * kWarp; base >= 0; base -= kWarp) {
    const std::int64_t at = base + lane;
    const bool inside = at < top_k;
    const std::uint64_t own = inside ? keys[at] : 0;
    const std::uint64_t before = inside && at > 0 ? keys[at - 1] : ~std::uint64_t{0};
    __syncwarp();
    if (inside && own < key) keys[at] = before > key ? key : before;
    __syncwarp();
    if (__shfl_sync(kAllLanes, own, 0) > key) return;  // all that come before are larger still
  }
}

}  // namespace twinpatch::cuda::kernels
