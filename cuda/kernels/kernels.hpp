// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <span>

#include "runtime/number_type.hpp"

// Every kernel of the library path, as a function that launches it: device pointers, sizes, stream. All return before
// the work is done; none allocates. Zero items launch nothing. Sizes are 64 bits wide. Maps are [items, height, width,
// channels] ("NHWC"), their values float, Half or Bfloat16; matrices are row-major.

namespace twinpatch::cuda::kernels {

struct MapShape {
  int height = 1;
  int width = 1;
  int channels = 1;
  [[nodiscard]] constexpr std::int64_t size() const { return std::int64_t{height} * width * channels; }
};

// ---- patches.cu: grey patches to the inputs of streams ----

/// What normalisation makes of a pixel: scale · pixel + offset.
struct PixelMap {
  float scale = 1;
  float offset = 0;
};

/// (x · scale − mean) / deviation, see Normalisation in twinpatch/net/spec.hpp.
struct PixelRule {
  double scale = 1;
  bool subtract_mean = false;
  bool divide_deviation = false;
  double epsilon = 0;
  bool unbiased_deviation = false;
};

struct BytePatches {
  const std::uint8_t* pixels = nullptr;  ///< [count, size]
  std::int64_t count = 0;
  std::int64_t size = 0;  ///< pixels of a patch
};

/// maps[i] of patch i: its mean and variance by exact integer sums.
void pixel_maps(cudaStream_t stream, BytePatches patches, PixelRule rule, PixelMap* maps);

/// What a stream sees of a patch.
enum class View { whole, central_crop, surround_average };

/// Patches [·, height, width] on the device, and which of them is number i: index[i · index_stride], or first + i where
/// `index` is null. `maps` null: pixels are taken as they are.
struct PatchSource {
  const void* pixels = nullptr;
  bool floats = false;  ///< float32, else u8
  const PixelMap* maps = nullptr;
  const std::int32_t* index = nullptr;
  std::int64_t index_stride = 1;
  std::int64_t first = 0;
};

/// Items of one channel or two, each from a source of its own.
struct PatchLoad {
  std::span<const PatchSource> sources;
  std::int64_t count = 0;
  int height = 0;  ///< of a patch
  int width = 0;
  View view = View::whole;
  NumberType type = NumberType::fp32;
};

/// out [count, view height, view width, sources]: channel c from sources[c].
void load_patches(cudaStream_t stream, const PatchLoad& load, void* out);

// ---- layers.cu: layers without matrix products ----

enum class ActivationKind { none, relu, tanh };

struct Maps {
  NumberType type = NumberType::fp32;
  const void* values = nullptr;  ///< [count, shape]
  std::int64_t count = 0;
  MapShape shape;
};

/// Max or average over windows; windows are cut off at the border (average: of the values inside). Average pooling is
/// followed by gain[c] · mean + bias[c] where `gain` is not null.
struct PoolRule {
  bool average = false;
  int window_height = 2;
  int window_width = 2;
  int stride_height = 2;
  int stride_width = 2;
  const float* gain = nullptr;
  const float* bias = nullptr;
};
void pool(cudaStream_t stream, const Maps& in, const PoolRule& rule, MapShape out_shape, void* out);

/// One level of a spatial pyramid: n × n bins by maximum, out[i · out_stride + (c · n + row) · n + column].
void pyramid_level(cudaStream_t stream, const Maps& in, int n, void* out, std::int64_t out_stride);

/// values ← activate(values), in place.
void activate(cudaStream_t stream, NumberType type, ActivationKind kind, void* values, std::int64_t size);

/// Maps → rows of floats in (channel, row, column) order: out[i · out_stride + (c · height + y) · width + x].
void flatten(cudaStream_t stream, const Maps& in, float* out, std::int64_t out_stride);

/// out[i] = in[i] as another type.
void convert(cudaStream_t stream, const float* in, std::int64_t size, NumberType type, void* out);

// ---- rows.cu: descriptors and their projections, [count, length] ----

/// Divides each row by max(‖row‖₂, 1e-12); the sum is in double.
void normalise_rows(cudaStream_t stream, float* rows, std::int64_t count, std::int64_t length);

/// scalars[i] = ‖row‖², or bias + Σ_k weights[k] · row[k] where `weights` is not null; sums in double.
/// *first_bad ← min(*first_bad, first + i) over rows that hold a value that is not finite.
struct RowScalars {
  const float* weights = nullptr;
  float bias = 0;
  float* scalars = nullptr;  ///< may be null
  std::int64_t first = 0;
  unsigned long long* first_bad = nullptr;
};
void row_scalars(cudaStream_t stream, const float* rows, std::int64_t count, std::int64_t length, const RowScalars& to);

// ---- grid.cu: every left row against every right row, out[i · stride + j] ----

/// head: c_j + Σ_k w_k · max(p_k, −q_k) (= b + Σ_k w_k · relu(p_k + q_k) with c_j = b + Σ_k w_k · q_jk); l2: −‖p − q‖₂;
/// l1: −‖p − q‖₁; dot: Σ_k p_k · q_k.
enum class PairOperation { head, l2, l1, dot };

struct RowMatrix {
  const float* values = nullptr;   ///< [count, length]
  const float* scalars = nullptr;  ///< [count], see row_scalars
  std::int64_t count = 0;
};

/// Rows, and how they are compared.
struct Comparison {
  PairOperation operation = PairOperation::head;
  RowMatrix left;
  RowMatrix right;
  std::int64_t length = 0;         ///< of a row
  const float* weights = nullptr;  ///< [length], head
  float bias = 0;                  ///< head, for listed pairs: a tile has it in right.scalars
};

void grid_tile(cudaStream_t stream, const Comparison& comparison, float* out, std::int64_t stride);

// ---- pairs.cu: listed pairs, [count, 2] of row numbers ----

struct ListedPairs {
  const std::int32_t* pairs = nullptr;  ///< [count, 2]
  std::int64_t count = 0;
};

/// scores[n] of pairs[n]; head: bias + Σ_k w_k · relu(p_k + q_k). Metrics sum in double.
void score_pairs(cudaStream_t stream, const Comparison& comparison, ListedPairs pairs, float* scores);

/// Rows [·, length] whose sums are taken, and what becomes of them.
struct RowSums {
  const float* left = nullptr;
  const float* right = nullptr;
  std::int64_t length = 0;
  ActivationKind activation = ActivationKind::none;
  NumberType type = NumberType::fp32;  ///< of the result
};

/// out[n, ·] = activate(left[pairs[n].left] + right[pairs[n].right]): the first layer of a deeper head.
void add_rows(cudaStream_t stream, const RowSums& sums, ListedPairs pairs, void* out);

/// The pairs of a grid, row by row, from number `begin` on.
struct PairRange {
  std::int64_t begin = 0;
  std::int64_t count = 0;
  std::int64_t columns = 1;
  std::int64_t first_left = 0;
  std::int64_t first_right = 0;
};

/// pairs[n] = (first_left + (begin + n) / columns, first_right + (begin + n) % columns).
void enumerate_pairs(cudaStream_t stream, PairRange range, std::int32_t* pairs);

// ---- select.cu: a tile of values into a running selection ----

/// Where a selection is kept: keys by pack_key(), best first.
struct SelectionKeys {
  std::uint64_t* rows = nullptr;     ///< [segments, grid rows, top_k]
  std::uint64_t* columns = nullptr;  ///< [grid columns]; null unless asked for
  std::int64_t grid_rows = 0;
  std::int64_t top_k = 1;
  float threshold = 0;
  /// First grid column of each segment and the end of the last, [segments + 1]; null: one segment from column 0.
  const std::int64_t* segment_begins = nullptr;
  /// Segments with columns in the tile: [first_segment, first_segment + tile_segments).
  std::int64_t first_segment = 0;
  std::int64_t tile_segments = 1;
  /// max over scores that are not finite of ~(grid row << 32 | grid column): the first of them; 0: none
  unsigned long long* first_bad = nullptr;
};

/// A tile: values[i · stride + j] of grid row first_row + i and grid column first_column + j.
struct ValueTile {
  const float* values = nullptr;
  std::int64_t stride = 0;
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t first_row = 0;
  std::int64_t first_column = 0;
};

/// What one walk over a tile leaves for the next. Scores whose columns are not asked for need neither, bounds `needed`.
struct SelectionMarks {
  float* needed = nullptr;     ///< [tile segments, tile rows]: what a value must reach to be looked at for its row
  unsigned* chunks = nullptr;  ///< zero: [rows, mark_words(columns)] of the tile, a bit for each 32; then [columns]
};
[[nodiscard]] constexpr std::int64_t mark_words(std::int64_t columns) { return (columns + 1023) / 1024; }

/// The values are the scores.
void select_scores(cudaStream_t stream, ValueTile tile, SelectionKeys keys, SelectionMarks marks);

/// The values are only nearly the scores: value + share · (‖left_i‖² + ‖right_j‖²) + margin is at least what the score
/// of the pair could be worth (l2: ½ of minus the squared distance; l1, dot: the score). Whatever reaches the limit of
/// its row or column is scored again from the rows, as score_pairs() does, and that is what is kept.
struct Rescoring {
  PairOperation operation = PairOperation::l2;
  RowMatrix left;
  RowMatrix right;
  std::int64_t length = 0;
  float share = 0;
  float margin = 0;
  double slack = 0;                ///< relative error of l1 values
  const float* weights = nullptr;  ///< of heads
};
void select_rescored(cudaStream_t stream, ValueTile tile, SelectionKeys keys, SelectionMarks marks,
                     Rescoring rescoring);

}  // namespace twinpatch::cuda::kernels
