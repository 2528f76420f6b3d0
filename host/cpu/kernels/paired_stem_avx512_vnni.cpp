// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include <cstdint>

#include "kernels/paired_stem.hpp"

namespace twinpatch::cpu {
extern const PairedStems kAvx512VnniStems;

namespace {

constexpr int kLanes = 16;

/// Columns of outputs whose sums are in registers at once, beside `vectors` of channels and, for pooling, a second row.
constexpr int tile_columns(int vectors, bool pool) { return (vectors == 3 ? 8 : 12) / (pool ? 2 : 1); }

std::int64_t min_width(std::int64_t vectors, bool pool) { return tile_columns(static_cast<int>(vectors), pool); }

/// What turns the sums of one panel of channels into outputs.
struct Panel {
  const std::int16_t* weights;
  const float* steps;
  const float* bias;
  float step;
};

/// out [kRows · kColumns, kVectors]: sums of as many outputs; `in` is the first pair of the first. (Unless told to
/// unroll, GCC 12 keeps the sums in memory.)
template <int kVectors, int kRows, int kColumns>
__attribute__((noinline)) void sum_tile(const PairedStem& stem, const std::int32_t* in, const std::int16_t* weights,
                                        std::int32_t* out) {
  __m512i sums[kRows * kColumns][kVectors];
#pragma GCC unroll 16
  for (int at = 0; at < kRows * kColumns; ++at) {
#pragma GCC unroll 4
    for (int n = 0; n < kVectors; ++n) sums[at][n] = _mm512_setzero_si512();
  }
  const std::int64_t taps = stem.taps;
  const std::int64_t row = stem.row;
  const std::int64_t column = stem.column;
  const std::int64_t* offsets = stem.offsets;
  for (std::int64_t tap = 0; tap < taps; ++tap, weights += 2 * kVectors * kLanes) {
    const std::int32_t* from = in + offsets[tap];
    __m512i factors[kVectors];
#pragma GCC unroll 4
    for (int n = 0; n < kVectors; ++n) factors[n] = _mm512_loadu_si512(weights + 2 * n * kLanes);
#pragma GCC unroll 16
    for (int at = 0; at < kRows * kColumns; ++at) {
      const __m512i pair = _mm512_set1_epi32(from[at / kColumns * row + at % kColumns * column]);
#pragma GCC unroll 4
      for (int n = 0; n < kVectors; ++n) sums[at][n] = _mm512_dpwssd_epi32(sums[at][n], pair, factors[n]);
    }
  }
#pragma GCC unroll 16
  for (int at = 0; at < kRows * kColumns; ++at) {
#pragma GCC unroll 4
    for (int n = 0; n < kVectors; ++n) _mm512_store_si512(out + (at * kVectors + n) * kLanes, sums[at][n]);
  }
}

/// A row of outputs (two, pooled to one) of one panel; `in` is the first pair of its first output.
template <int kVectors, bool kPool>
void run_row(const PairedStem& stem, const std::int32_t* in, const Panel& panel, float* out) {
  constexpr int kColumns = tile_columns(kVectors, kPool);
  constexpr int kStep = kPool ? 2 : 1;
  const __m512 floor = _mm512_set1_ps(stem.relu ? 0.0F : -3.402823466e+38F);
  const std::int64_t width = stem.out_width / kStep * kStep;
  for (std::int64_t first = 0; first < width; first += kColumns) {
    const std::int64_t x = first + kColumns <= width ? first : width - kColumns;  // the last tile may overlap
    alignas(64) std::int32_t sums[kStep * kColumns * kVectors * kLanes];
    sum_tile<kVectors, kStep, kColumns>(stem, in + x * stem.column, panel.weights, sums);
    float* to = out + x / kStep * stem.out;
    for (int j = 0; j < kColumns; j += kStep, to += stem.out) {
      for (int n = 0; n < kVectors; ++n) {
        const auto at = [&](int output) { return _mm512_load_si512(sums + (output * kVectors + n) * kLanes); };
        __m512i sum = at(j);
        if constexpr (kPool) {  // sums grow with outputs, as steps are positive
          sum = _mm512_max_epi32(_mm512_max_epi32(sum, at(j + 1)),
                                 _mm512_max_epi32(at(kColumns + j), at(kColumns + j + 1)));
        }
        const __m512 step = _mm512_mul_ps(_mm512_loadu_ps(panel.steps + n * kLanes), _mm512_set1_ps(panel.step));
        const __m512 value = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), step, _mm512_loadu_ps(panel.bias + n * kLanes));
        _mm512_storeu_ps(to + n * kLanes, _mm512_max_ps(value, floor));
      }
    }
  }
}

template <int kVectors, bool kPool>
void run_panels(const PairedStem& stem, const std::int32_t* in, float step, float* out) {
  constexpr int kStep = kPool ? 2 : 1;
  const std::int64_t out_row = stem.out_width / kStep * stem.out;
  for (std::int64_t channel = 0; channel < stem.out; channel += kVectors * kLanes) {
    const Panel panel{stem.weights + 2 * channel * stem.taps, stem.steps + channel, stem.bias + channel, step};
    for (std::int64_t y = 0; y < stem.out_height / kStep; ++y) {
      run_row<kVectors, kPool>(stem, in + y * kStep * stem.row, panel, out + y * out_row + channel);
    }
  }
}

template <int kVectors>
void run_vectors(const PairedStem& stem, const std::int32_t* in, float step, float* out) {
  if (stem.pool) return run_panels<kVectors, true>(stem, in, step, out);
  run_panels<kVectors, false>(stem, in, step, out);
}

void run(const PairedStem& stem, const std::int32_t* in, float step, float* out) {
  if (stem.vectors == 3) return run_vectors<3>(stem, in, step, out);
  if (stem.vectors == 2) return run_vectors<2>(stem, in, step, out);
  run_vectors<1>(stem, in, step, out);
}

}  // namespace

const PairedStems kAvx512VnniStems{"AVX-512 VNNI", &min_width, &run};

}  // namespace twinpatch::cpu
