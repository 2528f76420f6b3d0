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

#include "kernels/paired_rows-inl.hpp"
#include "kernels/winograd_kernels.hpp"
#include "kernels/winograd_product-inl.hpp"
#include "kernels/winograd_transforms-inl.hpp"

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

/// Tiles of a block, filled up to whole register tiles (which products of integers take care of themselves).
std::int64_t padded_tiles(const WinogradTask& task, std::int64_t items) {
  const std::int64_t rows = task.products != nullptr ? 1 : tile_rows(task.panel / kLanes);
  return (items * task.tiles_y * task.tiles_x + rows - 1) / rows * rows;
}

struct Scratch {
  std::int64_t input_stride, product_stride;          // from one point's matrix to the next
  std::int64_t inputs, products, map;                 // 4 bytes each
  std::int64_t tile_stride = 0, tile = 0, steps = 0;  // of integers: one tile in float32, and a step for each row
};

Scratch scratch_layout(const WinogradTask& task, std::int64_t points) {
  const std::int64_t tiles = padded_tiles(task, task.block);
  Scratch layout{};
  layout.input_stride = tiles * task.channels + kSkew;
  layout.product_stride = tiles * task.panel + kSkew;
  layout.inputs = points * points * layout.input_stride;
  layout.products = points * points * layout.product_stride;
  layout.map = task.pool ? task.out_height * task.out_width * task.panel : 0;
  if (task.products != nullptr) {
    layout.inputs = points * points * layout.input_stride / 2;
    layout.tile_stride = task.channels + kSkew;
    layout.tile = points * points * layout.tile_stride;
    layout.steps = (points * points * tiles + kSkew - 1) / kSkew * kSkew;
  }
  return layout;
}

std::int64_t scratch(const WinogradTask& task, std::int64_t points) {
  const Scratch layout = scratch_layout(task, points);
  return layout.inputs + layout.products + layout.map + layout.tile + layout.steps;
}

template <int kOutputs, int kTaps>
constexpr std::int64_t kMatricesOf =
    std::int64_t{kWinograd<kOutputs, kTaps>.kPoints} * kWinograd<kOutputs, kTaps>.kPoints;

// ---- Inputs

/// Transformed tiles as they are, one row after the other: values[point · stride + row · channels].
struct FloatRows {
  float* values;
  std::int64_t stride, channels;
  [[nodiscard]] float* tile() const { return values; }
  [[nodiscard]] std::int64_t point_stride() const { return stride; }
  void finish_tile() { values += channels; }
};

/// As integers: integers[point · stride + row · channels], steps[point · rows + row] with the weights' steps in them.
struct IntegerRows {
  const WinogradTask& task;
  const Scratch& layout;
  std::int64_t points, rows;
  float* buffer;  ///< of one tile
  std::int16_t* integers;
  float* steps;
  [[nodiscard]] float* tile() const { return buffer; }
  [[nodiscard]] std::int64_t point_stride() const { return layout.tile_stride; }
  void finish_tile() {
    narrow_rows({buffer, layout.tile_stride, task.channels, integers, layout.input_stride, steps, rows, task.steps},
                points);
    integers += task.channels;
    ++steps;
  }
};

template <int kOutputs, int kTaps, class Rows>
void transform_inputs(const WinogradTask& task, std::int64_t items, const float* in, Rows rows) {
  constexpr int kInputs = kWinograd<kOutputs, kTaps>.kInputs;
  for (std::int64_t item = 0; item < items; ++item, in += task.height * task.width * task.channels) {
    for (std::int64_t tile_y = 0; tile_y < task.tiles_y; ++tile_y) {
      for (std::int64_t tile_x = 0; tile_x < task.tiles_x; ++tile_x, rows.finish_tile()) {
        const std::int64_t y = tile_y * kOutputs - task.pad_y;
        const std::int64_t x = tile_x * kOutputs - task.pad_x;
        const bool inside = y >= 0 && x >= 0 && y + kInputs <= task.height && x + kInputs <= task.width;
        const float* first = in + (y * task.width + x) * task.channels;
        for (std::int64_t c = 0; c < task.channels; c += kLanes) {
          if (inside) {
            transform_input<kOutputs, kTaps, true>(task, first + c, {y, x}, rows.tile() + c, rows.point_stride());
          } else {
            transform_input<kOutputs, kTaps, false>(task, first + c, {y, x}, rows.tile() + c, rows.point_stride());
          }
        }
      }
    }
  }
}

// ---- Outputs

/// Products of float32: values[point · stride + tile · panel].
struct FloatProducts {
  const float* values;
  std::int64_t stride, panel;
  HWY_INLINE Vector at(std::int64_t point, std::int64_t c) const {
    return hn::LoadU(Tag(), values + point * stride + c);
  }
  void next_tile() { values += panel; }
};

/// Of integers, which steps[point · rows + tile] make numbers of.
struct IntegerProducts {
  const std::int32_t* values;
  std::int64_t stride, panel;
  const float* steps;
  std::int64_t rows;
  HWY_INLINE Vector at(std::int64_t point, std::int64_t c) const {
    const hn::RebindToSigned<Tag> integers;
    const auto sum = hn::ConvertTo(Tag(), hn::LoadU(integers, values + point * stride + c));
    return hn::Mul(sum, hn::Set(Tag(), steps[point * rows]));
  }
  void next_tile() {
    values += panel;
    ++steps;
  }
};

/// Where the outputs of one panel go: values[(y · width + x) · pixel_stride].
struct OutputMap {
  float* values;
  std::int64_t pixel_stride;
  const float* bias;  ///< of the panel; null: neither bias nor ReLU are applied
};

/// One item's map of outputs for one panel.
template <int kOutputs, int kTaps, class Products>
void transform_map(const WinogradTask& task, Products products, const OutputMap& map) {
  const Tag d;
  const auto [out, pixel_stride, bias] = map;
  HWY_ALIGN float tile[kOutputs * kOutputs * kLanes];
  const Vector floor = hn::Set(d, task.relu ? 0.0F : -3.402823466e+38F);
  for (std::int64_t tile_y = 0; tile_y < task.tiles_y; ++tile_y) {
    for (std::int64_t tile_x = 0; tile_x < task.tiles_x; ++tile_x, products.next_tile()) {
      const std::int64_t y = tile_y * kOutputs;
      const std::int64_t x = tile_x * kOutputs;
      const std::int64_t rows = task.out_height - y < kOutputs ? task.out_height - y : kOutputs;
      const std::int64_t columns = task.out_width - x < kOutputs ? task.out_width - x : kOutputs;
      for (std::int64_t c = 0; c < task.panel; c += kLanes) {
        transform_output<kOutputs, kTaps>(products, c, tile);
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

/// One item's outputs of the panel at `column`, pooled where asked for.
template <int kOutputs, int kTaps, class Products>
void write_item(const WinogradTask& task, const Products& products, std::int64_t column, float* map, float* out) {
  if (task.pool) {
    transform_map<kOutputs, kTaps>(task, products, {map, task.panel, nullptr});
    pool_map(task, map, task.bias + column, out + column);
  } else {
    transform_map<kOutputs, kTaps>(task, products, {out + column, task.out, task.bias + column});
  }
}

/// Inputs and outputs of a block of items.
struct Block {
  std::int64_t items;
  const float* in;
  float* out;
  std::int64_t out_item;  ///< values of an item's outputs
};

template <int kOutputs, int kTaps>
void run_floats(const WinogradTask& task, const Scratch& layout, const Block& block, float* scratch_memory) {
  constexpr std::int64_t kMatrices = kMatricesOf<kOutputs, kTaps>;
  float* inputs = scratch_memory;
  float* products = inputs + layout.inputs;
  float* map = products + layout.products;
  const std::int64_t tiles = task.tiles_y * task.tiles_x;
  const std::int64_t rows = padded_tiles(task, block.items);
  transform_inputs<kOutputs, kTaps>(task, block.items, block.in, FloatRows{inputs, layout.input_stride, task.channels});
  for (std::int64_t point = 0; point < kMatrices; ++point) {  // rows that fill the last register tile
    float* matrix = inputs + point * layout.input_stride;
    for (std::int64_t i = block.items * tiles * task.channels; i < rows * task.channels; ++i) matrix[i] = 0;
  }
  for (std::int64_t column = 0; column < task.out; column += task.panel) {
    const float* weights = task.weights + column * kMatrices * task.channels;
    for (std::int64_t point = 0; point < kMatrices; ++point) {
      multiply_panel(task.panel / kLanes,
                     {inputs + point * layout.input_stride, rows, task.channels,
                      weights + point * task.channels * task.panel, products + point * layout.product_stride});
    }
    for (std::int64_t item = 0; item < block.items; ++item) {
      const FloatProducts made{products + item * tiles * task.panel, layout.product_stride, task.panel};
      write_item<kOutputs, kTaps>(task, made, column, map, block.out + item * block.out_item);
    }
  }
}

/// An item of which a tile had a number that is not finite becomes NaN, whatever ReLU would make of it.
void spoil(const Block& block, const float* steps, std::int64_t matrices, std::int64_t tiles) {
  const std::int64_t rows = block.items * tiles;
  for (std::int64_t item = 0; item < block.items; ++item) {
    bool finite = true;
    for (std::int64_t point = 0; point < matrices; ++point) {
      for (std::int64_t tile = 0; tile < tiles; ++tile) {
        const float step = steps[point * rows + item * tiles + tile];
        finite = finite && step == step;
      }
    }
    if (finite) continue;
    float* out = block.out + item * block.out_item;
    for (std::int64_t i = 0; i < block.out_item; ++i) out[i] = __builtin_nanf("");
  }
}

template <int kOutputs, int kTaps>
void run_integers(const WinogradTask& task, const Scratch& layout, const Block& block, float* scratch_memory) {
  constexpr std::int64_t kMatrices = kMatricesOf<kOutputs, kTaps>;
  auto* inputs = reinterpret_cast<std::int16_t*>(scratch_memory);
  auto* products = reinterpret_cast<std::int32_t*>(scratch_memory + layout.inputs);
  float* map = scratch_memory + layout.inputs + layout.products;
  float* tile = map + layout.map;
  float* steps = tile + layout.tile;
  const std::int64_t tiles = task.tiles_y * task.tiles_x;
  const std::int64_t rows = block.items * tiles;
  transform_inputs<kOutputs, kTaps>(task, block.items, block.in,
                                    IntegerRows{task, layout, kMatrices, rows, tile, inputs, steps});
  for (std::int64_t column = 0; column < task.out; column += task.panel) {
    const std::int16_t* weights = task.integers + column * kMatrices * task.channels;
    for (std::int64_t point = 0; point < kMatrices; ++point) {
      task.products->multiply(task.panel / kPairedLanes,
                              {inputs + point * layout.input_stride, rows, task.channels,
                               weights + point * task.channels * task.panel, products + point * layout.product_stride});
    }
    for (std::int64_t item = 0; item < block.items; ++item) {
      const IntegerProducts made{products + item * tiles * task.panel, layout.product_stride, task.panel,
                                 steps + item * tiles, rows};
      write_item<kOutputs, kTaps>(task, made, column, map, block.out + item * block.out_item);
    }
  }
  spoil(block, steps, kMatrices, tiles);
}

template <int kOutputs, int kTaps>
void run(const WinogradTask& task, std::int64_t items, const float* in, float* out, float* scratch_memory) {
  const Scratch layout = scratch_layout(task, kWinograd<kOutputs, kTaps>.kPoints);
  const std::int64_t in_item = task.height * task.width * task.channels;
  const std::int64_t pixels =
      task.pool ? (task.out_height / 2) * (task.out_width / 2) : task.out_height * task.out_width;
  for (std::int64_t first = 0; first < items; first += task.block) {
    const std::int64_t count = items - first < task.block ? items - first : task.block;
    const std::int64_t out_item = pixels * task.out;
    const Block block{count, in + first * in_item, out + first * out_item, out_item};
    if (task.products != nullptr) {
      run_integers<kOutputs, kTaps>(task, layout, block, scratch_memory);
    } else {
      run_floats<kOutputs, kTaps>(task, layout, block, scratch_memory);
    }
  }
}

}  // namespace

const WinogradKernels* winograd_table() {
  static const WinogradKernels table{hwy::TargetName(HWY_TARGET), &panel, &scratch, &run<3, 5>, &run<4, 3>, &run<6, 5>};
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
