// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0

// Vectors of unknown size cannot be kept in arrays, which the register tiles are.
#include <hwy/detect_targets.h>
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/winograd_kernels.cpp"
#include <hwy/foreach_target.h>
// The order matters: once per target.
#include <hwy/highway.h>

#include "kernels/winograd_kernels.hpp"
#include "kernels/winograd_matrices.hpp"
#include "kernels/winograd_product-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace twinpatch::cpu::HWY_NAMESPACE {
namespace {

/// A line between the matrices of two points: their rows would fall on the same cache sets otherwise.
constexpr std::int64_t kSkew = 16;

std::int64_t panel(std::int64_t out) {
  if (kRegisters == 32) {
    for (const std::int64_t vectors : {3, 4, 2}) {
      if (out % (vectors * kLanes) == 0) return vectors * kLanes;
    }
  }
  return out % (2 * kLanes) == 0 ? 2 * kLanes : kLanes;
}

/// Tiles of a block, filled up to whole register tiles.
std::int64_t padded_tiles(const WinogradTask& task, std::int64_t items) {
  const std::int64_t rows = tile_rows(task.panel / kLanes);
  return (items * task.tiles_y * task.tiles_x + rows - 1) / rows * rows;
}

struct Scratch {
  std::int64_t input_stride, product_stride;  // from one point's matrix to the next
  std::int64_t inputs, products, map;         // floats
};

Scratch scratch_layout(const WinogradTask& task, std::int64_t points) {
  const std::int64_t tiles = padded_tiles(task, task.block);
  Scratch layout{};
  layout.input_stride = tiles * task.channels + kSkew;
  layout.product_stride = tiles * task.panel + kSkew;
  layout.inputs = points * points * layout.input_stride;
  layout.products = points * points * layout.product_stride;
  layout.map = task.pool ? task.out_height * task.out_width * task.panel : 0;
  return layout;
}

std::int64_t scratch(const WinogradTask& task, std::int64_t points) {
  const Scratch layout = scratch_layout(task, points);
  return layout.inputs + layout.products + layout.map;
}

// ---- One-dimensional transforms: sums with constant coefficients, zeros and ones left out

template <int kOutputs, int kTaps>
struct InputRow {
  static constexpr int kTerms = kOutputs + kTaps - 1;
  static constexpr float at(int row, int term) {
    return static_cast<float>(kWinograd<kOutputs, kTaps>.input[row][term]);
  }
};
template <int kOutputs, int kTaps>
struct OutputRow {
  static constexpr int kTerms = kOutputs + kTaps - 1;
  static constexpr float at(int row, int term) {
    return static_cast<float>(kWinograd<kOutputs, kTaps>.output[row][term]);
  }
};

template <class Matrix, int kRow, int kTerm, bool kFirst>
HWY_INLINE Vector sum_from(const Vector* HWY_RESTRICT values, Vector sum) {
  if constexpr (kTerm == Matrix::kTerms) {
    return sum;
  } else {
    constexpr float kFactor = Matrix::at(kRow, kTerm);
    if constexpr (kFactor == 0.0F) {
      return sum_from<Matrix, kRow, kTerm + 1, kFirst>(values, sum);
    } else {
      const Vector value = values[kTerm];
      if constexpr (kFirst) {
        sum = kFactor == 1.0F ? value : hn::Mul(hn::Set(Tag(), kFactor), value);
      } else if constexpr (kFactor == 1.0F) {
        sum = hn::Add(sum, value);
      } else if constexpr (kFactor == -1.0F) {
        sum = hn::Sub(sum, value);
      } else {
        sum = hn::MulAdd(hn::Set(Tag(), kFactor), value, sum);
      }
      return sum_from<Matrix, kRow, kTerm + 1, false>(values, sum);
    }
  }
}

/// out[row · stride] = Σ matrix[row][term] · values[term] for every row from kRow on.
template <class Matrix, int kRow, int kRows>
HWY_INLINE void transform(const Vector* HWY_RESTRICT values, float* HWY_RESTRICT out, std::int64_t stride) {
  if constexpr (kRow < kRows) {
    hn::StoreU(sum_from<Matrix, kRow, 0, true>(values, hn::Zero(Tag())), Tag(), out);
    transform<Matrix, kRow + 1, kRows>(values, out + stride, stride);
  }
}

// ---- Input: one tile, one vector of channels

struct Place {
  std::int64_t y, x;
};

/// `in` is the tile's first input; `place` is checked against the map where not `kInside`.
template <int kOutputs, int kTaps, bool kInside>
HWY_INLINE void transform_input(const WinogradTask& task, const float* HWY_RESTRICT in, Place place,
                                float* HWY_RESTRICT out, std::int64_t point_stride) {
  const auto [y, x] = place;
  constexpr int kPoints = kOutputs + kTaps - 1;
  using Matrix = InputRow<kOutputs, kTaps>;
  HWY_ALIGN float half[kPoints * kPoints * kLanes];  // [row of points, column of inputs]
  Vector values[kPoints];
  for (int j = 0; j < kPoints; ++j) {
    for (int i = 0; i < kPoints; ++i) {
      const bool inside = kInside || (y + i >= 0 && y + i < task.height && x + j >= 0 && x + j < task.width);
      values[i] = inside ? hn::LoadU(Tag(), in + (i * task.width + j) * task.channels) : hn::Zero(Tag());
    }
    transform<Matrix, 0, kPoints>(values, half + j * kLanes, kPoints * kLanes);
  }
  for (int i = 0; i < kPoints; ++i) {
    for (int j = 0; j < kPoints; ++j) values[j] = hn::Load(Tag(), half + (i * kPoints + j) * kLanes);
    transform<Matrix, 0, kPoints>(values, out + i * kPoints * point_stride, point_stride);
  }
}

template <int kOutputs, int kTaps>
void transform_inputs(const WinogradTask& task, std::int64_t items, const float* in, float* out,
                      std::int64_t point_stride) {
  constexpr int kPoints = kOutputs + kTaps - 1;
  for (std::int64_t item = 0; item < items; ++item, in += task.height * task.width * task.channels) {
    for (std::int64_t tile_y = 0; tile_y < task.tiles_y; ++tile_y) {
      for (std::int64_t tile_x = 0; tile_x < task.tiles_x; ++tile_x, out += task.channels) {
        const std::int64_t y = tile_y * kOutputs - task.pad_y;
        const std::int64_t x = tile_x * kOutputs - task.pad_x;
        const bool inside = y >= 0 && x >= 0 && y + kPoints <= task.height && x + kPoints <= task.width;
        const float* first = in + (y * task.width + x) * task.channels;
        for (std::int64_t c = 0; c < task.channels; c += kLanes) {
          if (inside) {
            transform_input<kOutputs, kTaps, true>(task, first + c, {y, x}, out + c, point_stride);
          } else {
            transform_input<kOutputs, kTaps, false>(task, first + c, {y, x}, out + c, point_stride);
          }
        }
      }
    }
  }
}

// ---- Output: one tile, one vector of output channels

template <int kOutputs, int kTaps>
HWY_INLINE void transform_output(const float* HWY_RESTRICT products, std::int64_t point_stride,
                                 float* HWY_RESTRICT out) {
  constexpr int kPoints = kOutputs + kTaps - 1;
  using Matrix = OutputRow<kOutputs, kTaps>;
  HWY_ALIGN float half[kOutputs * kPoints * kLanes];  // [row of outputs, column of points]
  Vector values[kPoints];
  for (int j = 0; j < kPoints; ++j) {
    for (int i = 0; i < kPoints; ++i) values[i] = hn::LoadU(Tag(), products + (i * kPoints + j) * point_stride);
    transform<Matrix, 0, kOutputs>(values, half + j * kLanes, kPoints * kLanes);
  }
  for (int i = 0; i < kOutputs; ++i) {
    for (int j = 0; j < kPoints; ++j) values[j] = hn::Load(Tag(), half + (i * kPoints + j) * kLanes);
    transform<Matrix, 0, kOutputs>(values, out + i * kOutputs * kLanes, kLanes);
  }
}

/// Where the outputs of one panel go: values[(y · width + x) · pixel_stride].
struct OutputMap {
  float* values;
  std::int64_t pixel_stride;
  const float* bias;  ///< of the panel; null: neither bias nor ReLU are applied
};

/// One item's map of outputs for one panel.
template <int kOutputs, int kTaps>
void transform_map(const WinogradTask& task, const float* products, std::int64_t point_stride, const OutputMap& map) {
  const Tag d;
  const auto [out, pixel_stride, bias] = map;
  HWY_ALIGN float tile[kOutputs * kOutputs * kLanes];
  const Vector floor = hn::Set(d, task.relu ? 0.0F : -3.402823466e+38F);
  for (std::int64_t tile_y = 0; tile_y < task.tiles_y; ++tile_y) {
    for (std::int64_t tile_x = 0; tile_x < task.tiles_x; ++tile_x, products += task.panel) {
      const std::int64_t y = tile_y * kOutputs;
      const std::int64_t x = tile_x * kOutputs;
      const std::int64_t rows = task.out_height - y < kOutputs ? task.out_height - y : kOutputs;
      const std::int64_t columns = task.out_width - x < kOutputs ? task.out_width - x : kOutputs;
      for (std::int64_t c = 0; c < task.panel; c += kLanes) {
        transform_output<kOutputs, kTaps>(products + c, point_stride, tile);
        const Vector offset = bias != nullptr ? hn::LoadU(d, bias + c) : hn::Zero(d);
        for (std::int64_t i = 0; i < rows; ++i) {
          float* to = out + ((y + i) * task.out_width + x) * pixel_stride + c;
          for (std::int64_t j = 0; j < columns; ++j, to += pixel_stride) {
            Vector value = hn::Load(d, tile + (i * kOutputs + j) * kLanes);
            if (bias != nullptr) value = hn::Max(hn::Add(value, offset), floor);
            hn::StoreU(value, d, to);
          }
        }
      }
    }
  }
}

/// Raw map [out height, out width, panel] → max pooling, bias, ReLU (which may change places with the maximum).
void pool_map(const WinogradTask& task, const float* map, const float* bias, float* out) {
  const Tag d;
  const Vector floor = hn::Set(d, task.relu ? 0.0F : -3.402823466e+38F);
  const std::int64_t row = task.out_width * task.panel;
  for (std::int64_t y = 0; y + 1 < task.out_height; y += 2) {
    for (std::int64_t x = 0; x + 1 < task.out_width; x += 2, out += task.out) {
      const float* first = map + y * row + x * task.panel;
      for (std::int64_t c = 0; c < task.panel; c += kLanes) {
        const Vector upper = hn::Max(hn::LoadU(d, first + c), hn::LoadU(d, first + c + task.panel));
        const Vector lower = hn::Max(hn::LoadU(d, first + c + row), hn::LoadU(d, first + c + row + task.panel));
        const Vector value = hn::Add(hn::Max(upper, lower), hn::LoadU(d, bias + c));
        hn::StoreU(hn::Max(value, floor), d, out + c);
      }
    }
  }
}

template <int kOutputs, int kTaps>
void run(const WinogradTask& task, std::int64_t items, const float* in, float* out, float* scratch_memory) {
  constexpr std::int64_t kPoints = kOutputs + kTaps - 1;
  const Scratch layout = scratch_layout(task, kPoints);
  float* inputs = scratch_memory;
  float* products = inputs + layout.inputs;
  float* map = products + layout.products;
  const std::int64_t tiles = task.tiles_y * task.tiles_x;
  const std::int64_t pixels =
      task.pool ? (task.out_height / 2) * (task.out_width / 2) : task.out_height * task.out_width;
  for (std::int64_t first = 0; first < items; first += task.block) {
    const std::int64_t count = items - first < task.block ? items - first : task.block;
    const std::int64_t rows = padded_tiles(task, count);
    transform_inputs<kOutputs, kTaps>(task, count, in + first * task.height * task.width * task.channels, inputs,
                                      layout.input_stride);
    for (std::int64_t point = 0; point < kPoints * kPoints; ++point) {  // rows that fill the last register tile
      float* matrix = inputs + point * layout.input_stride;
      for (std::int64_t i = count * tiles * task.channels; i < rows * task.channels; ++i) matrix[i] = 0;
    }
    for (std::int64_t column = 0; column < task.out; column += task.panel) {
      const float* weights = task.weights + column * kPoints * kPoints * task.channels;
      for (std::int64_t point = 0; point < kPoints * kPoints; ++point) {
        multiply_panel(task.panel / kLanes,
                       {inputs + point * layout.input_stride, rows, task.channels,
                        weights + point * task.channels * task.panel, products + point * layout.product_stride});
      }
      for (std::int64_t item = 0; item < count; ++item) {
        float* to = out + (first + item) * pixels * task.out + column;
        const float* from = products + item * tiles * task.panel;
        if (task.pool) {
          transform_map<kOutputs, kTaps>(task, from, layout.product_stride, {map, task.panel, nullptr});
          pool_map(task, map, task.bias + column, to);
        } else {
          transform_map<kOutputs, kTaps>(task, from, layout.product_stride, {to, task.out, task.bias + column});
        }
      }
    }
  }
}

}  // namespace

const WinogradKernels* winograd_table() {
  static const WinogradKernels table{hwy::TargetName(HWY_TARGET), &panel, &scratch, &run<3, 5>, &run<4, 3>};
  return &table;
}

}  // namespace twinpatch::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace twinpatch::cpu {
namespace {

HWY_EXPORT(winograd_table);

}  // namespace

const WinogradKernels& winograd_kernels() { return *HWY_DYNAMIC_DISPATCH(winograd_table)(); }

}  // namespace twinpatch::cpu
#endif
