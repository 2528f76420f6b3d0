// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "kernels/join.hpp"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstring>

#include "kernels/channels.cuh"

namespace twinpatch::cuda::kernels {
namespace {

constexpr int kWarps = 8;
constexpr int kTall = 4;  ///< rows of a warp, whose left halves it keeps in registers
constexpr int kWide = 8;  ///< columns of a block, whose right halves pass by
constexpr int kCells = 4;

/// Two numbers of 16 bits, added and compared by one instruction.
template <class T>
using Two = std::conditional_t<std::is_same_v<T, Half>, __half2, __nv_bfloat162>;

/// to ← f(a, b): `two` of two numbers at a time where there are instructions for that, `one` of floats elsewhere.
template <class T, int kWidth, class OfTwo, class OfOne>
__device__ void combine(const Channels<T, kWidth>& a, const Channels<T, kWidth>& b, Channels<T, kWidth>& to,
                        const OfTwo& two, const OfOne& one) {
  if constexpr (sizeof(T) == 2 && kWidth % 2 == 0) {
    TWINPATCH_UNROLL
    for (int k = 0; k < kWidth; k += 2) {
      Two<T> x;
      Two<T> y;
      memcpy(&x, &a.values[k], sizeof(x));
      memcpy(&y, &b.values[k], sizeof(y));
      x = two(x, y);
      memcpy(&to.values[k], &x, sizeof(x));
    }
  } else {
    TWINPATCH_UNROLL
    for (int k = 0; k < kWidth; ++k) store(to.values[k], one(to_float(a.values[k]), to_float(b.values[k])));
  }
}
template <class Few>
__device__ Few sum_of(const Few& a, const Few& b) {
  Few sum;
  combine(
      a, b, sum, [](auto x, auto y) { return __hadd2(x, y); }, [](float x, float y) { return x + y; });
  return sum;
}
/// What is not a number wins.
template <class Few>
__device__ Few larger_of(const Few& a, const Few& b) {
  Few most;
  combine(
      a, b, most, [](auto x, auto y) { return __hmax2_nan(x, y); }, [](float x, float y) { return larger(x, y); });
  return most;
}
/// A half at the cells that a thread joins: `count` of them, `below` and beside the first.
template <class Few>
struct Cells {
  Few values[kCells];
  __device__ void load(const Few* half, int few, int below, int count) {
    TWINPATCH_UNROLL
    for (int cell = 0; cell < kCells; ++cell) {
      if (cell < count) values[cell] = half[cell / 2 * below + cell % 2 * few];
    }
  }
};

/// How a grid of pairs is cut up.
struct Pieces {
  std::int64_t first_row;  ///< with pairs that are asked for
  std::int64_t end_row;
  std::int64_t chunks;  ///< of 32 places of a map
  std::int64_t tiles;   ///< of 8 columns
  [[nodiscard]] std::int64_t count() const { return chunks * tiles * blocks_for(end_row - first_row, kWarps * kTall); }
};
Pieces pieces_of(const PairRange& pairs, std::int64_t places) {
  return {pairs.begin / pairs.columns, blocks_for(pairs.begin + pairs.count, pairs.columns), blocks_for(places, kWarp),
          blocks_for(pairs.columns, kWide)};
}

/// Sums of halves.
/// left, right [·, shape]; out [pairs.count, out_shape].
/// Block: 32 rows by 8 columns of the grid of pairs at 32 places of a map at a time (grid-stride). Warp: 4 of the rows.
/// Thread: kWidth neighbouring channels at one position; its cells of 4 left halves stay in registers while 8 right
/// ones pass, which other warps of the block read at the same time. No shared memory. Sums and maxima in T: a sum of
/// two numbers of 16 bits is the same rounded once or by way of fp32, which has more than twice as many digits and two
/// (Figueroa 1995), and roundings keep the order. The tangent is left to activate().
/// Floor, 96 × 20 × 20 in fp16, pooled: 19 KB written and 12 KB read from the second-level cache a pair; 1,200 places
/// of 32 half2 operations. Reference: the first convolution of a pair, its activation and pooling
/// (docs: conv([p; q]) = convₚ(p) + conv_q(q)).
template <class T, int kWidth>
__global__ void __launch_bounds__(kWarps* kWarp, 2)
    join_kernel(HalvesJoin join, Pieces pieces, std::int64_t all, MapShape out_shape, T* out) {
  using Few = Channels<T, kWidth>;
  const MapShape shape = join.shape;
  const PairRange pairs = join.pairs;
  const int few = shape.channels / kWidth;  // of a position
  const int places = out_shape.height * out_shape.width * few;
  const int steps = join.pool ? 2 : 1;
  const int count = join.pool ? kCells : 1;
  const int below = shape.width * few;
  const bool relu = join.activation == ActivationKind::relu;
  for (std::int64_t unit = blockIdx.x; unit < all; unit += gridDim.x) {
    const int place = static_cast<int>(unit % pieces.chunks) * kWarp + lane_index();
    if (place >= places) continue;
    const int position = place / few;
    const int at = (position / out_shape.width * shape.width + position % out_shape.width) * steps * few + place % few;
    const auto half = [&](const void* halves, std::int64_t item) {
      return reinterpret_cast<const Few*>(static_cast<const T*>(halves) + item * shape.size()) + at;
    };
    const std::int64_t row =
        pieces.first_row +
        (unit / pieces.chunks / pieces.tiles * kWarps + static_cast<int>(threadIdx.x) / kWarp) * kTall;
    const std::int64_t column = unit / pieces.chunks % pieces.tiles * kWide;
    Cells<Few> left[kTall] = {};
    TWINPATCH_UNROLL
    for (int i = 0; i < kTall; ++i) {
      if (row + i < pieces.end_row) left[i].load(half(join.left, pairs.first_left + row + i), few, below, count);
    }
    TWINPATCH_UNROLL_BY(1)
    for (int j = 0; j < kWide && column + j < pairs.columns; ++j) {
      Cells<Few> right = {};
      right.load(half(join.right, pairs.first_right + column + j), few, below, count);
      TWINPATCH_UNROLL
      for (int i = 0; i < kTall; ++i) {
        const std::int64_t pair = (row + i) * pairs.columns + column + j - pairs.begin;
        if (pair < 0 || pair >= pairs.count) continue;
        Few most = sum_of(left[i].values[0], right.values[0]);
        TWINPATCH_UNROLL
        for (int cell = 1; cell < kCells; ++cell) {
          if (cell < count) most = larger_of(most, sum_of(left[i].values[cell], right.values[cell]));
        }
        if (relu) most = larger_of(most, Few{});
        reinterpret_cast<Few*>(out + pair * out_shape.size())[place] = most;
      }
    }
  }
}

}  // namespace

void join_halves(cudaStream_t stream, const HalvesJoin& join, void* out) {
  const MapShape shape = join.shape;
  const MapShape out_shape = join.pool ? MapShape{shape.height / 2, shape.width / 2, shape.channels} : shape;
  if (join.pairs.count == 0 || out_shape.size() == 0) return;
  visit_number(join.type, [&]<class T>(T) {
    visit_width<T>(shape.channels, [&]<int kWidth>(std::integral_constant<int, kWidth>) {
      const Pieces pieces = pieces_of(join.pairs, out_shape.size() / kWidth);
      launch(stream, per_block(pieces.count(), kWarps * kWarp), "join_halves", &join_kernel<T, kWidth>, join, pieces,
             pieces.count(), out_shape, static_cast<T*>(out));
    });
  });
  // A rising function: its maximum is that of its arguments.
  if (join.activation == ActivationKind::tanh) {
    activate(stream, join.type, join.activation, out, join.pairs.count * out_shape.size());
  }
}

}  // namespace twinpatch::cuda::kernels
