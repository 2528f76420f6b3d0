// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "layers_support.hpp"
#include "plan/own_steps.hpp"
#include "twinpatch/core/error.hpp"

using namespace twinpatch;
using test::check_layers;
namespace tolerance = test::tolerance;

namespace {

constexpr auto kRelu = Activation{Activation::Kind::relu};
constexpr auto kTanh = Activation{Activation::Kind::tanh};
constexpr bool kExact = true;

Convolution convolution(int in, int out, int kernel, int stride = 1, int padding = 0, bool bias = true) {
  return {.in = in,
          .out = out,
          .kernel = {kernel, kernel},
          .stride = {stride, stride},
          .padding = {padding, padding},
          .bias = bias};
}

void check(const std::vector<Layer>& layers, Shape input, const char* step = nullptr) {
  for (const auto& [count, batch] : {std::pair{1, 1}, {1, 8}, {5, 4}, {11, 8}}) {
    INFO("count " << count << ", batch " << batch);
    check_layers(layers, input, count, batch, kExact, tolerance::kLayerFp32, step);
  }
}

}  // namespace

TEST_CASE("convolutions with strides, padding, odd channels and oblong kernels equal the reference") {
  check({convolution(1, 9, 7, 3)}, {1, 22, 25});
  check({convolution(2, 16, 4, 3), kRelu}, {2, 19, 16}, "convolution");
  check({convolution(8, 24, 3, 1, 1), kTanh}, {8, 7, 9});
  check({convolution(5, 7, 3, 2, 1, false), kRelu}, {5, 10, 11});
  check({convolution(32, 16, 5)}, {32, 7, 6});
  check({Convolution{.in = 1, .out = 12, .kernel = {8, 11}, .stride = {1, 3}}, kTanh}, {1, 8, 50});
}

TEST_CASE("a convolution over the whole map runs as an inner product") {
  check({convolution(24, 32, 3), kRelu}, {24, 3, 3}, "inner product");
  check({convolution(3, 10, 1)}, {3, 1, 1}, "inner product");
  check({Convolution{.in = 6, .out = 5, .kernel = {2, 4}, .bias = false}, kTanh}, {6, 2, 4}, "inner product");
}

TEST_CASE("pooling rounds down or up and averages only what is inside") {
  const auto pooling = [](Pooling::Kind kind, Extent window, Extent stride, bool ceil) {
    return Pooling{.kind = kind, .window = window, .stride = stride, .ceil = ceil};
  };
  for (const auto kind : {Pooling::Kind::max, Pooling::Kind::average}) {
    check({pooling(kind, {2, 2}, {2, 2}, false)}, {16, 10, 10});
    check({pooling(kind, {2, 2}, {2, 2}, true)}, {5, 15, 7});
    check({pooling(kind, {2, 2}, {2, 2}, false)}, {5, 15, 7});
    check({pooling(kind, {3, 2}, {2, 1}, true)}, {9, 8, 6});
    check({pooling(kind, {4, 3}, {4, 3}, false)}, {45, 20, 15});
  }
}

TEST_CASE("trainable subsampling and activations equal the reference") {
  check({Subsampling{.channels = 15, .window = {2, 2}}, kTanh}, {15, 50, 40});
  check({Subsampling{.channels = 4, .window = {4, 3}}}, {4, 20, 15});
  check({kTanh}, {7, 3, 5});
  check({kRelu}, {1, 1, 13});
}

TEST_CASE("spatial pyramids take maps of any size") {
  for (const auto& shape : {Shape{16, 6, 6}, Shape{3, 7, 5}, Shape{4, 4, 9}, Shape{2, 13, 11}}) {
    check({SpatialPyramid{{1, 2, 4}}}, shape);
    check({SpatialPyramid{{3}}, Linear{shape.channels * 9, 10}, kRelu}, shape);
  }
}

TEST_CASE("linear layers take maps in channel, row, column order") {
  check({Linear{7 * 5 * 3, 20}, kRelu, Linear{20, 1}}, {7, 5, 3});
  check({Linear{33, 1}}, {33, 1, 1});
}

TEST_CASE("layers in a row share their buffers") {
  check({convolution(2, 16, 5, 2), kRelu, Pooling{}, convolution(16, 20, 3), kTanh, convolution(20, 12, 3), kRelu,
         Linear{12 * 9, 7}},
        {2, 34, 34});
}

TEST_CASE("descriptors are normalised with the reference's epsilon") {
  std::vector<float> row{3, 0, -4};
  cpu::normalise_row(row.data(), 3);
  CHECK(row[0] == Approx(0.6));
  CHECK(row[2] == Approx(-0.8));
  std::vector<float> zero{0, 0};
  cpu::normalise_row(zero.data(), 2);
  CHECK(zero == std::vector<float>{0, 0});
}

TEST_CASE("a missing or wrong tensor is named") {
  const std::vector<Layer> layers{convolution(2, 3, 3)};
  Model model = test::random_layers(layers, "branch.0", 1);
  const auto plan = [&] {
    return cpu::LayerPlan(LayerList{&model, "branch.0", layers}, 0, {2, 8, 8}, cpu::PlanOptions{});
  };
  CHECK_NOTHROW(plan());
  model.weights["branch.0.0.bias"].values.pop_back();
  CHECK_THROWS_WITH(plan(), "tensor branch.0.0.bias has 2 values, expected 3");
  model.weights.erase("branch.0.0.weight");
  CHECK_THROWS_WITH(plan(), "model has no tensor branch.0.0.weight");
}
