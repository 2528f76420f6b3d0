// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0

// Vectors of unknown size cannot be kept in arrays, which the register tiles are.
#include <hwy/detect_targets.h>
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/stem_kernels.cpp"
#include <hwy/foreach_target.h>
// The order matters: once per target.
#include <hwy/highway.h>

#include "kernels/stem_kernels.hpp"

HWY_BEFORE_NAMESPACE();
namespace twinpatch::cpu::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::CappedTag<float, 16>;
using Vector = hn::Vec<Tag>;

constexpr std::int64_t kLanes = hn::MaxLanes(Tag());
#if HWY_TARGET <= HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr bool kManyRegisters = true;  // 32
#else
constexpr bool kManyRegisters = false;  // 16
#endif

/// Columns of outputs whose sums are in registers at once, beside `vectors` of channels and, for pooling, a second row.
constexpr std::int64_t tile_columns(std::int64_t vectors, bool pool) {
  if (kManyRegisters) return (vectors == 3 ? 8 : 12) / (pool ? 2 : 1);
  return (vectors == 3 || pool ? 4 : 6) / (pool ? 2 : 1);
}

std::int64_t panel(std::int64_t out) {
  for (const std::int64_t vectors : {3, 2, 1}) {
    if (out % (vectors * kLanes) == 0) return vectors * kLanes;
  }
  return 0;
}

std::int64_t min_width(std::int64_t panel_width, bool pool) { return tile_columns(panel_width / kLanes, pool); }

/// `kRows` × `kColumns` outputs of one panel of channels; `in` is the first input of the first of them.
template <std::int64_t kVectors, std::int64_t kRows, std::int64_t kColumns>
HWY_INLINE void sum_tile(const StemTask& task, const float* HWY_RESTRICT in, const float* HWY_RESTRICT weights,
                         const float* HWY_RESTRICT bias, Vector (&sums)[kRows][kColumns][kVectors]) {
  const Tag d;
  for (std::int64_t i = 0; i < kRows; ++i) {
    for (std::int64_t j = 0; j < kColumns; ++j) {
      for (std::int64_t n = 0; n < kVectors; ++n) sums[i][j][n] = hn::LoadU(d, bias + n * kLanes);
    }
  }
  const std::int64_t taps = task.taps;
  const std::int64_t row = task.row;
  const std::int64_t column = task.column;
  const std::int64_t* HWY_RESTRICT offsets = task.offsets;
  for (std::int64_t tap = 0; tap < taps; ++tap) {
    const float* HWY_RESTRICT from = in + offsets[tap];
    Vector factors[kVectors];
    for (std::int64_t n = 0; n < kVectors; ++n) factors[n] = hn::LoadU(d, weights + (tap * kVectors + n) * kLanes);
    for (std::int64_t i = 0; i < kRows; ++i) {
      for (std::int64_t j = 0; j < kColumns; ++j) {
        const Vector value = hn::Set(d, from[i * row + j * column]);
        for (std::int64_t n = 0; n < kVectors; ++n) sums[i][j][n] = hn::MulAdd(value, factors[n], sums[i][j][n]);
      }
    }
  }
}

/// A row of outputs (two, pooled to one) of one panel of channels.
template <std::int64_t kVectors, bool kPool>
void run_row(const StemTask& task, const float* in, const float* weights, const float* bias, float* out) {
  constexpr std::int64_t kRows = kPool ? 2 : 1;
  constexpr std::int64_t kColumns = tile_columns(kVectors, kPool);
  constexpr std::int64_t kStep = kPool ? 2 : 1;
  const Tag d;
  const Vector floor = hn::Set(d, task.relu ? 0.0F : -3.402823466e+38F);
  const std::int64_t width = task.out_width / kStep * kStep;
  for (std::int64_t first = 0; first < width; first += kColumns) {
    const std::int64_t x = first + kColumns <= width ? first : width - kColumns;  // the last tile may overlap
    Vector sums[kRows][kColumns][kVectors];
    sum_tile<kVectors, kRows, kColumns>(task, in + x * task.column, weights, bias, sums);
    float* to = out + x / kStep * task.out;
    for (std::int64_t j = 0; j < kColumns; j += kStep, to += task.out) {
      for (std::int64_t n = 0; n < kVectors; ++n) {
        Vector value = sums[0][j][n];
        if constexpr (kPool) {
          value = hn::Max(hn::Max(value, sums[0][j + 1][n]), hn::Max(sums[1][j][n], sums[1][j + 1][n]));
        }
        hn::StoreU(hn::Max(value, floor), d, to + n * kLanes);
      }
    }
  }
}

template <std::int64_t kVectors, bool kPool>
void run_panels(const StemTask& task, std::int64_t items, const float* in, float* out) {
  constexpr std::int64_t kStep = kPool ? 2 : 1;
  const std::int64_t rows = task.out_height / kStep;
  const std::int64_t out_row = task.out_width / kStep * task.out;
  for (std::int64_t item = 0; item < items; ++item, in += task.item, out += rows * out_row) {
    for (std::int64_t channel = 0; channel < task.out; channel += task.panel) {
      const float* weights = task.weights + channel * task.taps;
      for (std::int64_t y = 0; y < rows; ++y) {
        run_row<kVectors, kPool>(task, in + y * kStep * task.row, weights, task.bias + channel,
                                 out + y * out_row + channel);
      }
    }
  }
}

template <std::int64_t kVectors>
void run_vectors(const StemTask& task, std::int64_t items, const float* in, float* out) {
  if (task.pool) return run_panels<kVectors, true>(task, items, in, out);
  run_panels<kVectors, false>(task, items, in, out);
}

void run(const StemTask& task, std::int64_t items, const float* in, float* out) {
  if (task.panel == 3 * kLanes) return run_vectors<3>(task, items, in, out);
  if (task.panel == 2 * kLanes) return run_vectors<2>(task, items, in, out);
  run_vectors<1>(task, items, in, out);
}

}  // namespace

const StemKernels* stem_table() {
  static const StemKernels table{hwy::TargetName(HWY_TARGET), &panel, &min_width, &run};
  return &table;
}

}  // namespace twinpatch::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace twinpatch::cpu {
namespace {

HWY_EXPORT(stem_table);

}  // namespace

const StemKernels& stem_kernels() { return *HWY_DYNAMIC_DISPATCH(stem_table)(); }

}  // namespace twinpatch::cpu
#endif
