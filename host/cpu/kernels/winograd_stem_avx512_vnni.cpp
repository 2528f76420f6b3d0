// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include <cstdint>

#include "kernels/winograd_stem.hpp"

namespace twinpatch::cpu {
extern const WinogradStems kAvx512VnniWinogradStems;

namespace {

constexpr int kLanes = 16;
/// Tiles of a row whose sums are in registers at once.
constexpr int kTiles = 5;
constexpr int kVectors = static_cast<int>(kStemPanel) / kLanes;

std::int64_t scratch(const WinogradStem& stem) {
  return (stem.height * stem.side + stem.tiles_y * stem.pair_count) * kLanes;
}

// ---- Inputs

/// Lanes of 32 bits are one integer, or a pair of 16 bits.
template <int kChannels>
__m512i combine(__m512i first, __m512i second, int sign) {
  if constexpr (kChannels == 2) {
    return sign > 0 ? _mm512_add_epi16(first, second) : _mm512_sub_epi16(first, second);
  } else {
    return sign > 0 ? _mm512_add_epi32(first, second) : _mm512_sub_epi32(first, second);
  }
}

/// 16 pixels of a row from column x on, as integers; zeros behind its end.
template <int kChannels>
__m512i load_pixels(const WinogradStem& stem, const float* row, std::int64_t x, __m512 factor) {
  const std::int64_t left = stem.width - x;
  const auto mask = static_cast<__mmask16>(left >= kLanes ? 0xffff : (left > 0 ? (1 << left) - 1 : 0));
  const auto integers = [&](std::int64_t channel) {
    const float* const from = row + channel * stem.height * stem.width + x;
    return _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_maskz_loadu_ps(mask, from), factor));
  };
  if constexpr (kChannels == 1) {
    return integers(0);
  } else {
    return _mm512_or_si512(_mm512_and_si512(integers(0), _mm512_set1_epi32(0xffff)),
                           _mm512_slli_epi32(integers(1), 16));
  }
}

/// Terms across of every row: out [height, side, tile].
template <int kChannels>
void transform_rows(const WinogradStem& stem, const float* in, float step, std::int32_t* out) {
  const __m512 factor = _mm512_set1_ps(1 / step);
  __m512i indices[kLargestStemTile];
  const __m512i tiles = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m512i last = _mm512_set1_epi32(static_cast<int>(stem.tiles_x - 1));
  const __m512i width = _mm512_set1_epi32(static_cast<int>(2 * stem.stride));
  const __m512i first = _mm512_mullo_epi32(_mm512_min_epi32(tiles, last), width);
  for (int i = 0; i < stem.side; ++i) indices[i] = _mm512_add_epi32(first, _mm512_set1_epi32(i));
  for (std::int64_t y = 0; y < stem.height; ++y, in += stem.width) {
    __m512i row[4];
    for (int i = 0; i < 4; ++i) row[i] = load_pixels<kChannels>(stem, in, std::int64_t{i} * kLanes, factor);
    __m512i values[kLargestStemTile];
    for (int i = 0; i < stem.side; ++i) {
      const __mmask16 upper = _mm512_test_epi32_mask(indices[i], _mm512_set1_epi32(2 * kLanes));
      values[i] = _mm512_mask_blend_epi32(upper, _mm512_permutex2var_epi32(row[0], indices[i], row[1]),
                                          _mm512_permutex2var_epi32(row[2], indices[i], row[3]));
    }
    for (int i = 0; i < stem.side; ++i, out += kLanes) {
      const StemTerm& term = stem.terms[i];
      const __m512i value = values[term.first];
      _mm512_storeu_si512(out, term.sign == 0 ? value : combine<kChannels>(value, values[term.second], term.sign));
    }
  }
}

template <int kChannels>
__m512i value_of(const StemTerm& term, const std::int32_t* rows) {
  const __m512i value = _mm512_loadu_si512(rows + term.first);
  return term.sign == 0 ? value : combine<kChannels>(value, _mm512_loadu_si512(rows + term.second), term.sign);
}

/// The transformed inputs of every row of tiles, in pairs of 16 bits: out [row of tiles, pair, tile].
template <int kChannels>
void transform_columns(const WinogradStem& stem, const std::int32_t* rows, std::int32_t* out) {
  const std::int64_t pairs = stem.pair_count;
  const std::int64_t tile_row = 2 * stem.stride * stem.side * kLanes;
  for (std::int64_t y = 0; y < stem.tiles_y; ++y, rows += tile_row) {
    for (std::int64_t k = 0; k < pairs; ++k, out += kLanes) {
      const StemPair& pair = stem.pairs[k];
      __m512i value = value_of<kChannels>(pair.low, rows);
      if constexpr (kChannels == 1) {
        value = _mm512_and_si512(value, _mm512_set1_epi32(0xffff));
        if (pair.has_high) value = _mm512_or_si512(value, _mm512_slli_epi32(value_of<1>(pair.high, rows), 16));
      }
      _mm512_storeu_si512(out, value);
    }
  }
}

// ---- Products and outputs

/// What turns the sums of one panel of channels into outputs.
struct Panel {
  const std::int16_t* weights;
  const float* steps;
  const float* bias;
  float step;
};

/// A load that is not repeated for each use.
inline __attribute__((always_inline)) __m512i load_once(const std::int16_t* from) {
  __m512i value = _mm512_loadu_si512(from);
  asm("" : "+v"(value));
  return value;
}

/// vpdpwssd, written out: around GCC 12's intrinsic every sum is copied to another register and back.
inline __attribute__((always_inline)) __m512i add_products(__m512i sum, __m512i left, __m512i right) {
  asm("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(left), "v"(right));
  return sum;
}

using Sums = __m512i[kTiles][kVectors];

/// Where the next products are read: pairs [pair, tile] and their weights [pair, vector].
struct Cursor {
  const std::int32_t* pairs;
  const std::int16_t* weights;
};

/// (Unless told to unroll, GCC 12 keeps sums in memory.)
inline __attribute__((always_inline)) void add_pairs(std::int64_t count, Cursor& from, Sums& sums) {
  for (; count > 0; --count, from.pairs += kLanes, from.weights += 2 * kVectors * kLanes) {
    __m512i factors[kVectors];
#pragma GCC unroll 4
    for (int n = 0; n < kVectors; ++n) factors[n] = load_once(from.weights + 2 * n * kLanes);
#pragma GCC unroll 8
    for (int t = 0; t < kTiles; ++t) {
      const __m512i pair = _mm512_set1_epi32(from.pairs[t]);
#pragma GCC unroll 4
      for (int n = 0; n < kVectors; ++n) sums[t][n] = add_products(sums[t][n], pair, factors[n]);
    }
  }
}

/// out [row of points, column of outputs, tile, vector]: sums of kTiles tiles. The columns' transform is
/// y₀ = (m₁ + m₋₁) + m₀ and y₁ = (m₁ − m₋₁) + m∞, the weights of the last with their sign.
__attribute__((noinline)) void sum_points(const WinogradStem& stem, Cursor from, std::int32_t* out) {
  const std::int64_t* counts = stem.counts;
  for (int row = 0; row < kStemPoints; ++row, counts += kStemPoints, out += 2 * kTiles * kVectors * kLanes) {
    Sums left;
    Sums right;
#pragma GCC unroll 8
    for (int t = 0; t < kTiles; ++t) {
#pragma GCC unroll 4
      for (int n = 0; n < kVectors; ++n) left[t][n] = right[t][n] = _mm512_setzero_si512();
    }
    add_pairs(counts[0], from, left);
    add_pairs(counts[1], from, right);
#pragma GCC unroll 8
    for (int t = 0; t < kTiles; ++t) {
#pragma GCC unroll 4
      for (int n = 0; n < kVectors; ++n) {
        const __m512i sum = _mm512_add_epi32(left[t][n], right[t][n]);
        right[t][n] = _mm512_sub_epi32(left[t][n], right[t][n]);
        left[t][n] = sum;
      }
    }
    add_pairs(counts[2], from, left);
    add_pairs(counts[3], from, right);
#pragma GCC unroll 8
    for (int t = 0; t < kTiles; ++t) {
#pragma GCC unroll 4
      for (int n = 0; n < kVectors; ++n) {
        _mm512_store_si512(out + (t * kVectors + n) * kLanes, left[t][n]);
        _mm512_store_si512(out + ((kTiles + t) * kVectors + n) * kLanes, right[t][n]);
      }
    }
  }
}

/// A row of tiles of one panel: two rows of outputs, or one pooled.
template <bool kPool>
void run_row(const WinogradStem& stem, const std::int32_t* pairs, const Panel& panel, float* out) {
  constexpr int kSide = kPool ? 1 : 2;  // of a tile's outputs
  const __m512 floor = _mm512_set1_ps(stem.relu ? 0.0F : -3.402823466e+38F);
  const std::int64_t out_row = kSide * stem.tiles_x * stem.out;
  for (std::int64_t begin = 0; begin < stem.tiles_x; begin += kTiles) {
    const std::int64_t first = begin + kTiles <= stem.tiles_x ? begin : stem.tiles_x - kTiles;  // the last may overlap
    alignas(64) std::int32_t sums[kStemPoints * 2 * kTiles * kVectors * kLanes];
    sum_points(stem, {pairs + first, panel.weights}, sums);
    float* to = out + kSide * first * stem.out;
    for (int t = 0; t < kTiles; ++t, to += kSide * stem.out) {
      for (int n = 0; n < kVectors; ++n) {
        const auto at = [&](int row, int column) {
          return _mm512_load_si512(sums + (((2 * row + column) * kTiles + t) * kVectors + n) * kLanes);
        };
        const auto upper = [&](int column) {
          return _mm512_add_epi32(at(2, column), _mm512_add_epi32(at(0, column), at(1, column)));
        };
        const auto lower = [&](int column) {
          return _mm512_add_epi32(_mm512_sub_epi32(at(0, column), at(1, column)), at(3, column));
        };
        const __m512 step = _mm512_mul_ps(_mm512_loadu_ps(panel.steps + n * kLanes), _mm512_set1_ps(panel.step));
        const __m512 bias = _mm512_loadu_ps(panel.bias + n * kLanes);
        const auto store = [&](__m512i sum, std::int64_t offset) {
          const __m512 value = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), step, bias);
          _mm512_storeu_ps(to + offset + n * kLanes, _mm512_max_ps(value, floor));
        };
        if constexpr (kPool) {  // sums grow with outputs, as steps are positive
          store(_mm512_max_epi32(_mm512_max_epi32(upper(0), upper(1)), _mm512_max_epi32(lower(0), lower(1))), 0);
        } else {
          store(upper(0), 0);
          store(upper(1), stem.out);
          store(lower(0), out_row);
          store(lower(1), out_row + stem.out);
        }
      }
    }
  }
}

template <bool kPool>
void run_panels(const WinogradStem& stem, const std::int32_t* pairs, float step, float* out) {
  const std::int64_t count = stem.pair_count;
  const std::int64_t tile_row = (kPool ? 1 : 4) * stem.tiles_x * stem.out;
  for (std::int64_t channel = 0; channel < stem.out; channel += kStemPanel) {
    const Panel panel{stem.weights + 2 * channel * count, stem.steps + channel, stem.bias + channel, step};
    for (std::int64_t y = 0; y < stem.tiles_y; ++y) {
      run_row<kPool>(stem, pairs + y * count * kLanes, panel, out + y * tile_row + channel);
    }
  }
}

void run(const WinogradStem& stem, const float* in, float step, float* out, std::int32_t* scratch_memory) {
  std::int32_t* const rows = scratch_memory;
  std::int32_t* const pairs = rows + stem.height * stem.side * kLanes;
  if (stem.channels == 2) {
    transform_rows<2>(stem, in, step, rows);
    transform_columns<2>(stem, rows, pairs);
  } else {
    transform_rows<1>(stem, in, step, rows);
    transform_columns<1>(stem, rows, pairs);
  }
  if (stem.pool) return run_panels<true>(stem, pairs, step, out);
  run_panels<false>(stem, pairs, step, out);
}

}  // namespace

const WinogradStems kAvx512VnniWinogradStems{"AVX-512 VNNI", kTiles, &scratch, &run};

}  // namespace twinpatch::cpu
