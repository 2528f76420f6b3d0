// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>

#include "kernel_bench.hpp"
#include "support/small_networks.hpp"
#include "twinpatch/core/half.hpp"

// Every kernel of the library path against the reference, one layer at a time.

using namespace twinpatch;
using namespace twinpatch::test;
using cuda::NumberType;
namespace kernels = twinpatch::cuda::kernels;
namespace tolerance = test::tolerance;

namespace {

constexpr NumberType kTypes[] = {NumberType::fp32, NumberType::fp16, NumberType::bf16};

Tolerance limit(NumberType type) {
  return type == NumberType::fp32   ? tolerance::kLayerFp32
         : type == NumberType::fp16 ? Tolerance{1e-3, 1e-3, 1e-6}
                                    : Tolerance{1e-2, 1e-2, 1e-4};  // one rounding of the result
}

/// Random maps rounded to what `type` holds, as [count, height, width, channels] and as the reference's maps.
struct Maps {
  Maps(std::int64_t count, Shape size, std::uint64_t seed, NumberType type) : shape(size) {
    values = normal_floats(count * size.size(), seed);
    for (float& value : values) {
      if (type == NumberType::fp16) value = from_half(to_half(value));
      if (type == NumberType::bf16) value = from_bfloat16(to_bfloat16(value));
    }
    for (std::int64_t i = 0; i < count; ++i) {
      reference::Map map(size);
      const float* from = values.data() + i * size.size();
      for (int y = 0; y < size.height; ++y) {
        for (int x = 0; x < size.width; ++x) {
          for (int c = 0; c < size.channels; ++c) map.at(c, y, x) = *from++;
        }
      }
      maps.push_back(std::move(map));
    }
  }
  Shape shape;
  std::vector<float> values;
  std::vector<reference::Map> maps;
};

kernels::MapShape map_shape(Shape shape) { return {shape.height, shape.width, shape.channels}; }

/// Maps in the order of the device.
std::vector<double> channels_last(const std::vector<reference::Map>& maps) {
  std::vector<double> result;
  for (const reference::Map& map : maps) {
    for (int y = 0; y < map.shape.height; ++y) {
      for (int x = 0; x < map.shape.width; ++x) {
        for (int c = 0; c < map.shape.channels; ++c) result.push_back(map.at(c, y, x));
      }
    }
  }
  return result;
}

std::vector<double> flattened(const std::vector<reference::Map>& maps) {
  std::vector<double> result;
  for (const reference::Map& map : maps) result.insert(result.end(), map.values.begin(), map.values.end());
  return result;
}

std::vector<reference::Map> applied(const Layer& layer, const std::vector<reference::Map>& maps,
                                    const reference::Weights& weights = {}) {
  std::vector<reference::Map> result;
  result.reserve(maps.size());
  for (const reference::Map& map : maps) result.push_back(reference::apply(layer, map, weights, ""));
  return result;
}

}  // namespace

TEST_CASE("patches become the inputs of streams, gathered by index") {
  if (no_device()) return;
  Bench bench;
  const Extent size = GENERATE(Extent{8, 12}, Extent{7, 9}, Extent{33, 5});
  const Patches patches(5, size, 1);
  const auto [deviation, unbiased] = GENERATE(table<bool, bool>({{false, false}, {true, false}, {true, true}}));
  const Normalisation rule{.divide_deviation = deviation, .unbiased_deviation = unbiased};
  const auto pixels = bench.up(patches.pixels);
  auto maps = bench.room<kernels::PixelMap>(5);
  kernels::pixel_maps(bench.stream(), {pixels.data(), 5, std::int64_t{size.height} * size.width},
                      {.scale = rule.scale,
                       .subtract_mean = rule.subtract_mean,
                       .divide_deviation = rule.divide_deviation,
                       .epsilon = rule.deviation_epsilon,
                       .unbiased_deviation = rule.unbiased_deviation},
                      maps.data());
  const std::vector<std::int32_t> order = {4, 0, 0, 3, 1, 2};  // pairs (4, 0), (0, 3), (1, 2)
  const auto index = bench.up(order);
  using Kind = StreamView::Kind;
  for (const auto& [kind, view] : {std::pair{Kind::whole, kernels::View::whole},
                                   {Kind::central_crop, kernels::View::central_crop},
                                   {Kind::surround_average, kernels::View::surround_average}}) {
    for (const NumberType type : kTypes) {
      std::vector<reference::Map> expected;
      for (std::size_t pair = 0; pair < 3; ++pair) {
        const auto of = [&](std::int32_t i) { return reference::patch(patches.view, i, rule); };
        expected.push_back(reference::view({kind}, reference::stack(of(order[2 * pair]), of(order[2 * pair + 1]))));
      }
      const std::int64_t values = 3 * expected[0].shape.size();
      auto out = bench.room<std::byte>(values * cuda::size_of(type));
      kernels::PatchSource sources[2] = {{.pixels = pixels.data(), .maps = maps.data()},
                                         {.pixels = pixels.data(), .maps = maps.data()}};
      for (int side = 0; side < 2; ++side) {
        sources[side].index = index.data() + side;
        sources[side].index_stride = 2;
      }
      kernels::load_patches(bench.stream(), {sources, 3, size.height, size.width, view, type}, out.data());
      expect_close(bench.load(out, type), channels_last(expected),
                   type == NumberType::fp32 ? tolerance::kNormalisationFp32 : limit(type));
      // One channel, a run of patches.
      kernels::PatchSource run{.pixels = pixels.data(), .maps = maps.data(), .first = 2};
      kernels::load_patches(bench.stream(), {{&run, 1}, 2, size.height, size.width, view, type}, out.data());
      std::vector<reference::Map> two;
      for (const std::int64_t i : {2, 3}) {
        two.push_back(reference::view({kind}, reference::patch(patches.view, i, rule)));
      }
      auto got = bench.load(out, type);
      got.resize(static_cast<std::size_t>(2 * two[0].shape.size()));
      expect_close(got, channels_last(two), type == NumberType::fp32 ? tolerance::kNormalisationFp32 : limit(type));
    }
  }
}

TEST_CASE("pooling, subsampling and pyramids are the reference's") {
  if (no_device()) return;
  Bench bench;
  const NumberType type = GENERATE(NumberType::fp32, NumberType::fp16, NumberType::bf16);
  const Maps in(3, {5, 9, 7}, 2, type);
  const auto from = bench.store(in.values, type);
  using Kind = Pooling::Kind;
  for (const Pooling& layer : {Pooling{}, Pooling{.ceil = true}, Pooling{.kind = Kind::average, .ceil = true},
                               Pooling{Kind::max, {3, 2}, {2, 1}, false}, Pooling{Kind::average, {2, 3}, {3, 3}, true},
                               Pooling{Kind::max, {1, 1}, {1, 1}, false}}) {
    const Shape shape = output_shape(layer, in.shape);
    auto out = bench.room<std::byte>(3 * shape.size() * cuda::size_of(type));
    kernels::pool(
        bench.stream(), {type, from.data(), 3, map_shape(in.shape)},
        {layer.kind == Kind::average, layer.window.height, layer.window.width, layer.stride.height, layer.stride.width},
        map_shape(shape), out.data());
    expect_close(bench.load(out, type), channels_last(applied(layer, in.maps)), limit(type));
  }
  const Subsampling subsampling{.channels = 5, .window = {4, 3}};
  const auto gain = normal_floats(5, 3);
  const auto bias = normal_floats(5, 4);
  const reference::Weights weights{{"weight", {{5}, gain}}, {"bias", {{5}, bias}}};
  const auto gain_there = bench.up(gain);
  const auto bias_there = bench.up(bias);
  const Shape sampled = output_shape(subsampling, in.shape);
  auto out = bench.room<std::byte>(3 * sampled.size() * cuda::size_of(type));
  kernels::pool(bench.stream(), {type, from.data(), 3, map_shape(in.shape)},
                {true, 4, 3, 4, 3, gain_there.data(), bias_there.data()}, map_shape(sampled), out.data());
  expect_close(bench.load(out, type), channels_last(applied(subsampling, in.maps, weights)), limit(type));

  const SpatialPyramid pyramid{{1, 4, 10}};  // 10 bins on a side of 7: cells come again
  const Shape bins = output_shape(pyramid, in.shape);
  auto pooled = bench.room<std::byte>(3 * bins.size() * cuda::size_of(type));
  std::int64_t offset = 0;
  for (const int level : pyramid.levels) {
    kernels::pyramid_level(bench.stream(), {type, from.data(), 3, map_shape(in.shape)}, level,
                           pooled.data() + offset * cuda::size_of(type), bins.size());
    offset += std::int64_t{level} * level * in.shape.channels;
  }
  expect_close(bench.load(pooled, type), flattened(applied(pyramid, in.maps)), limit(type));
}

TEST_CASE("activations and flattening are the reference's") {
  if (no_device()) return;
  Bench bench;
  const NumberType type = GENERATE(NumberType::fp32, NumberType::fp16, NumberType::bf16);
  const Shape shape = GENERATE(Shape{6, 5, 4}, Shape{3, 2, 7});
  const Maps left(3, shape, 5, type);
  const auto a = bench.store(left.values, type);
  auto flat = bench.room<float>(3 * (shape.size() + 2));
  kernels::flatten(bench.stream(), {type, a.data(), 3, map_shape(shape)}, flat.data() + 1, shape.size() + 2);
  const auto rows = bench.down(flat);
  for (std::int64_t i = 0; i < 3; ++i) {
    const auto begin = rows.begin() + i * (shape.size() + 2) + 1;
    CHECK(std::equal(begin, begin + shape.size(), left.maps[static_cast<std::size_t>(i)].values.begin()));
  }
  auto activated = bench.store(left.values, type);
  kernels::activate(bench.stream(), type, kernels::ActivationKind::tanh, activated.data(), 3 * shape.size());
  expect_close(bench.load(activated, type), channels_last(applied(Activation{Activation::Kind::tanh}, left.maps)),
               limit(type));
}
