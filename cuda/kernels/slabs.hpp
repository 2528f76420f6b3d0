// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/element.hpp"
#include "kernels/kernels.hpp"

// A tile of products that never lie in memory. It is cut into slabs of 128: rows into slabs of rows, the columns of
// each segment into slabs of columns. Of every row in every slab of columns, and of every column in every slab of rows,
// what is kept says which pairs may be the best ones, and how good the others can be at most.
//
//   product_slabs   [rows, length] · [columns, length]ᵀ → summaries      product_slabs.cu
//   select_slabs    summaries → selection, exact                         select_slabs.cu

namespace twinpatch::cuda::kernels {

inline constexpr std::int64_t kSlab = 128;

/// The columns of a tile as segments divide them. Slab t is of the last segment s with slab_of(s) ≤ t: no segment has
/// more than the difference to the next, and some have one too many, which is empty.
struct TileSegments {
  const std::int64_t* begins = nullptr;  ///< grid columns where they begin, and the end of the last, [count + 1]
  std::int64_t count = 1;                ///< null above: 1
  std::int64_t first_column = 0;         ///< of the tile, in the grid
  std::int64_t columns = 0;              ///< of the tile

  /// First column of segment s, from the tile's first; s = count: the end of the last.
  [[nodiscard]] TWINPATCH_DEVICE_INLINE std::int64_t begin(std::int64_t s) const {
    const std::int64_t found = begins == nullptr ? s * columns : begins[s] - first_column;
    return found < 0 ? 0 : found > columns ? columns : found;
  }
  [[nodiscard]] TWINPATCH_DEVICE_INLINE std::int64_t slab_of(std::int64_t s) const { return begin(s) / kSlab + s; }
  /// Segment of a slab, which may be empty.
  [[nodiscard]] TWINPATCH_DEVICE_INLINE std::int64_t segment_of(std::int64_t slab) const {
    std::int64_t low = 0;
    std::int64_t high = count - 1;
    while (low < high) {
      const std::int64_t middle = (low + high + 1) / 2;
      if (slab_of(middle) <= slab) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }
};

/// Slabs of a side; of columns, in so many segments.
[[nodiscard]] constexpr std::int64_t row_slabs(std::int64_t rows) { return (rows + kSlab - 1) / kSlab; }
[[nodiscard]] constexpr std::int64_t column_slabs(std::int64_t columns, std::int64_t segments) {
  return columns / kSlab + segments;
}

/// What is kept of the products, as three (two) planes a slab: the best one, (the second,) and what no other exceeds.
/// A value (SlabTile) says in its low seven bits which number of the slab it is of. Where nothing is known of a slab,
/// its last plane is kUnknown.
struct Summaries {
  float* rows = nullptr;     ///< [column slabs, 3, rows]
  float* columns = nullptr;  ///< [row slabs, 2, columns], or null
};
inline constexpr float kUnknown = 3e38F;
inline constexpr float kAbsent = -3e38F;  ///< of numbers that a slab does not have
[[nodiscard]] constexpr std::int64_t row_summary_size(std::int64_t rows, std::int64_t columns, std::int64_t segments) {
  return column_slabs(columns, segments) * 3 * rows;
}
[[nodiscard]] constexpr std::int64_t column_summary_size(std::int64_t rows, std::int64_t columns) {
  return row_slabs(rows) * 2 * columns;
}

/// A value that carries a number of its slab, 0 … 127, in its low bits, and back.
TWINPATCH_DEVICE_INLINE int slab_number(float value) {
  std::uint32_t bits = 0;
  memcpy(&bits, &value, sizeof(bits));
  return static_cast<int>(bits & 127U);
}
/// The most and the least that such a value can have been before.
TWINPATCH_DEVICE_INLINE float most(float value) { return value + (0x1p-16F * (value < 0 ? -value : value) + 1e-37F); }
TWINPATCH_DEVICE_INLINE float least(float value) { return value - (0x1p-16F * (value < 0 ? -value : value) + 1e-37F); }

/// Rows of one side.
struct NarrowRows {
  const void* operand = nullptr;  ///< [count, SlabTile::length], fp16 or bf16
  const float* norms = nullptr;   ///< [count]: ‖row‖² of l2 and cosine, ‖operand‖₁ of heads and l1
  RowMatrix rows;                 ///< as score_pairs() and grid_tile() take them
};

/// A tile of a grid. The value of a pair, offset + sum + share · (left norm + right norm) + margin, with `scalars` also
/// both rows' scalars, is at least what
/// its score could be worth, and at most 2 · (slack · (left norm + right norm) + margin) more, if both norms are at
/// most `largest`. (l2: ½ of minus the squared distance; dot, l1, head: the score.)
struct SlabTile {
  NarrowRows left = {};
  NarrowRows right = {};
  std::int64_t length = 0;         ///< of the operands
  std::int64_t row_length = 0;     ///< of the rows
  const float* weights = nullptr;  ///< [row_length], of heads
  std::int64_t positive = 0;       ///< of heads: numbers of the operands whose weight is not negative, a multiple of 32
  std::int64_t first_row = 0;      ///< in the grid
  TileSegments segments = {};
  float offset = 0;
  float share = 0;
  float margin = 0;
  double slack = 0;
  float largest = 0;
  bool scalars = false;  ///< of l1
};

/// Σ_k left_k · right_k. Enqueued.
void product_slabs(cudaStream_t stream, NumberType type, const SlabTile& tile, Summaries summaries);
/// Σ_k ±max(left_k + right_k, 0). Enqueued.
void head_slabs(cudaStream_t stream, NumberType type, const SlabTile& tile, Summaries summaries);

/// Whatever the summaries say may be the best of its row or column is scored again from the rows, as score_pairs()
/// does, or grid_tile() of a head; where they do not say enough, a whole slab. What is kept is what a full matrix of
/// such scores would give. Enqueued.
void select_slabs(cudaStream_t stream, PairOperation operation, const SlabTile& tile, Summaries summaries,
                  SelectionKeys keys);

}  // namespace twinpatch::cuda::kernels
