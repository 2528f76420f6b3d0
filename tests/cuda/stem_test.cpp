// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "kernels/stem.hpp"

#include <algorithm>
#include <cmath>

#include "cuda_support.hpp"
#include "kernel_bench.hpp"
#include "plan/stem_plan.hpp"
#include "support/small_networks.hpp"

// The first layers in one kernel, from pixels to the pooled map.

using namespace twinpatch;
using namespace twinpatch::test;
namespace kernels = cuda::kernels;

namespace {

struct Case {
  Extent patch;
  kernels::View view;
  int channels;
  Extent kernel, stride;
  int outputs;
};

kernels::StemShape shape_of(const Case& on) {
  const bool whole = on.view == kernels::View::whole;
  kernels::StemShape shape{.channels = on.channels,
                           .height = whole ? on.patch.height : on.patch.height / 2,
                           .width = whole ? on.patch.width : on.patch.width / 2,
                           .kernel_height = on.kernel.height,
                           .kernel_width = on.kernel.width,
                           .stride_height = on.stride.height,
                           .stride_width = on.stride.width,
                           .outputs = on.outputs};
  shape.pooled_height = ((shape.height - on.kernel.height) / on.stride.height + 1) / 2;
  shape.pooled_width = ((shape.width - on.kernel.width) / on.stride.width + 1) / 2;
  return shape;
}

/// Numbers as the device stores them.
std::vector<float> narrowed(Bench& bench, const std::vector<float>& values, NumberType type) {
  return bench.load(bench.store(values, type), type);
}

/// The twin: convolution, bias, ReLU and maximum in double. in [height, width, channels] of one item.
std::vector<double> twin(const kernels::StemShape& shape, std::span<const float> in, const std::vector<float>& weights,
                         const std::vector<float>& bias) {
  std::vector<double> out;
  const auto cell = [&](int y, int x, int output) {
    double sum = bias[static_cast<std::size_t>(output)];
    for (int c = 0; c < shape.channels; ++c) {
      for (int i = 0; i < shape.kernel_height; ++i) {
        for (int j = 0; j < shape.kernel_width; ++j) {
          const int at =
              ((y * shape.stride_height + i) * shape.width + x * shape.stride_width + j) * shape.channels + c;
          const int weight = ((output * shape.channels + c) * shape.kernel_height + i) * shape.kernel_width + j;
          sum += static_cast<double>(in[static_cast<std::size_t>(at)]) * weights[static_cast<std::size_t>(weight)];
        }
      }
    }
    return sum;
  };
  for (int y = 0; y < shape.pooled_height; ++y) {
    for (int x = 0; x < shape.pooled_width; ++x) {
      for (int output = 0; output < shape.outputs; ++output) {
        double most = 0;  // ReLU
        for (int part = 0; part < 4; ++part) most = std::max(most, cell(2 * y + part / 2, 2 * x + part % 2, output));
        out.push_back(most);
      }
    }
  }
  return out;
}

}  // namespace

TEST_CASE("a stem makes of pixels what its layers make one after another") {
  if (no_device()) return;
  const auto type = GENERATE(NumberType::fp16, NumberType::bf16);
  using kernels::View;
  const Case on = GENERATE(
      Case{{64, 64}, View::whole, 1, {7, 7}, {3, 3}, 96}, Case{{29, 31}, View::whole, 2, {7, 7}, {3, 3}, 24},
      Case{{20, 23}, View::whole, 1, {5, 4}, {1, 2}, 8}, Case{{32, 28}, View::central_crop, 2, {3, 8}, {2, 1}, 16},
      Case{{24, 24}, View::surround_average, 1, {2, 3}, {1, 1}, 40}, Case{{8, 8}, View::whole, 2, {7, 7}, {1, 1}, 8});
  const kernels::StemShape shape = shape_of(on);
  INFO(on.patch.height << " × " << on.patch.width << ", " << on.channels << " channels, " << on.outputs << " outputs");
  Bench bench;
  Random random(static_cast<std::uint64_t>(on.patch.height * on.outputs));
  const auto some = [&](std::int64_t count) {
    std::vector<float> values;
    for (std::int64_t n = 0; n < count; ++n) values.push_back(static_cast<float>(random.uniform(-0.2, 0.2)));
    return values;
  };
  const auto weights =
      narrowed(bench, some(std::int64_t{on.outputs} * on.channels * on.kernel.height * on.kernel.width), type);
  const auto bias = some(on.outputs);
  constexpr std::int64_t kPatches = 3;
  constexpr std::int64_t kPairs = 2;
  const auto pixels = bench.up(structured_patches(kPatches, on.patch.height, on.patch.width, 7));
  const auto maps = bench.up(std::vector<kernels::PixelMap>{{0.01F, -1.0F}, {0.02F, -0.5F}, {0.005F, 0.1F}});
  const auto index = bench.up(std::vector<std::int32_t>{2, 0, 1, 2});
  kernels::PatchSource sources[2];
  for (int side = 0; side < 2; ++side) {
    sources[side] = {.pixels = pixels.data(), .maps = maps.data(), .index = index.data() + side, .index_stride = 2};
  }
  const auto filter = bench.store(cuda::stem_filter(shape, weights), type);
  const auto on_device = bench.up(bias);
  const std::int64_t size = std::int64_t{shape.pooled_height} * shape.pooled_width * shape.outputs;
  auto out = bench.room<std::byte>(kPairs * size * 2);
  const kernels::PatchLoad load{.sources = std::span(sources).first(static_cast<std::size_t>(on.channels)),
                                .count = kPairs,
                                .height = on.patch.height,
                                .width = on.patch.width,
                                .view = on.view,
                                .type = type};
  kernels::stem(bench.stream(), {shape, reinterpret_cast<const std::uint32_t*>(filter.data()), on_device.data()}, load,
                out.data());
  const std::int64_t in_size = std::int64_t{shape.height} * shape.width * shape.channels;
  auto in = bench.room<std::byte>(kPairs * in_size * 2);
  kernels::load_patches(bench.stream(), load, in.data());
  const auto input = bench.load(in, type);
  std::vector<double> expected;
  for (std::int64_t n = 0; n < kPairs; ++n) {
    const auto item =
        twin(shape, std::span(input).subspan(static_cast<std::size_t>(n * in_size), static_cast<std::size_t>(in_size)),
             weights, bias);
    expected.insert(expected.end(), item.begin(), item.end());
  }
  expect_close(bench.load(out, type), expected,
               type == NumberType::fp16 ? tolerance::kLayerFp16 : tolerance::kLayerBf16);
}

TEST_CASE("no patches make no launch, and places in a filter fit the largest stem") {
  if (no_device()) return;
  Bench bench;
  kernels::PatchSource source;
  kernels::stem(bench.stream(), {{.outputs = 8}},
                {.sources = {&source, 1}, .height = 8, .width = 8, .type = NumberType::fp16}, nullptr);
  const kernels::StemShape largest{.channels = 2,
                                   .height = 64,
                                   .width = 64,
                                   .kernel_height = 7,
                                   .kernel_width = 7,
                                   .stride_height = 3,
                                   .stride_width = 3,
                                   .outputs = 96,
                                   .pooled_height = 10,
                                   .pooled_width = 10};
  CHECK(largest.steps() == 7);
  CHECK(largest.filter_size() == 7 * 12 * 64);
  CHECK(largest.shared_bytes() == 21504 + 2 * 2 * 2 * 64 * 72);
  CHECK(largest.shared_bytes() <= kernels::kMostStemBytes);
}

TEST_CASE("towers and pairs with a fused stem are near those of the library") {
  if (no_device()) return;
  const auto coupling = GENERATE(Coupling::siamese, Coupling::pseudo_siamese, Coupling::two_channel);
  const bool pairs = coupling == Coupling::two_channel;
  NetworkSpec spec;
  spec.name = "stem";
  spec.input = Extent{32, 32};
  spec.coupling = coupling;
  const int channels = pairs ? 2 : 1;
  const Activation relu{};
  // The second stream has no stem: its outputs are not a multiple of eight.
  spec.streams = {
      {{},
       {Convolution{.in = channels, .out = 16, .kernel = {7, 7}, .stride = {3, 3}}, relu, Pooling{},
        Convolution{.in = 16, .out = 5, .kernel = {3, 3}}}},
      {{StreamView::Kind::central_crop}, {Convolution{.in = channels, .out = 6, .kernel = {3, 3}}, relu, Pooling{}}}};
  const int size = static_cast<int>(branch_size(spec));
  spec.decision =
      pairs ? Decision(DecisionLayers{{Linear{size, 1}}}) : Decision(DecisionMetric{DecisionMetric::Kind::l2, true});
  const auto model = shared_model(spec, 9);
  const Patches left(5, {32, 32}, 21);
  const Patches right(4, {32, 32}, 22);
  const Rig exact = cuda_rig(model);
  for (const Precision precision : {Precision::fp16, Precision::bf16}) {
    if (pairs && precision == Precision::bf16) continue;  // random scores near 0 drown in its rounding, fused or not
    ExecutionOptions options = cuda_options(precision);
    options.kernels = Kernels::fused;
    std::string words;
    options.log = [&](const std::string& line) { words += line + "\n"; };
    const Rig rig = cuda_rig(model, options);
    expect_close(rig.list(left.view, right.view), widened(exact.list(left.view, right.view)),
                 precision == Precision::fp16 ? tolerance::kScoreFp16 : tolerance::kScoreBf16);
    CHECK_THAT(words, Catch::Contains("stem from pixels"));
    if (pairs) {
      expect_close(rig.block(left.view, right.view), widened(exact.block(left.view, right.view)),
                   precision == Precision::fp16 ? tolerance::kScoreFp16 : tolerance::kScoreBf16);
    }
  }
}
