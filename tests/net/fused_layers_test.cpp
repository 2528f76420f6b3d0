// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/net/fused_layers.hpp"

#include <catch2/catch.hpp>

#include "twinpatch/core/error.hpp"

using namespace twinpatch;

namespace {

constexpr auto kRelu = Activation{Activation::Kind::relu};
constexpr auto kTanh = Activation{Activation::Kind::tanh};

/// A model of one stream, its weights filled with their position in their tensor.
Model model_of(std::vector<Layer> layers, Extent input) {
  Model model;
  model.spec.name = "fused";
  model.spec.input = input;
  model.spec.streams = {{{}, std::move(layers)}};
  model.spec.decision = DecisionMetric{};
  for (const WeightShape& weight : weight_shapes(model.spec)) {
    std::int64_t size = 1;
    for (const std::int64_t side : weight.shape) size *= side;
    Tensor tensor{weight.shape, {}};
    for (std::int64_t i = 0; i < size; ++i) tensor.values.push_back(static_cast<float>(i));
    model.weights[weight.name] = std::move(tensor);
  }
  return model;
}

const FusionRules kAll{.fuses_activation = [](const FusedLayer&, Activation::Kind) { return true; },
                       .fuses_pooling = [](const FusedLayer&, const Pooling&) { return true; }};
const FusionRules kNothing{.fuses_activation = [](const FusedLayer&, Activation::Kind) { return false; },
                           .fuses_pooling = [](const FusedLayer&, const Pooling&) { return false; }};

std::vector<FusedLayer> fuse(const Model& model, const FusionRules& rules, std::size_t first = 0) {
  const Stream& stream = model.spec.streams.front();
  return fuse_layers({&model, "branch.0", stream.layers}, first,
                     layer_input(model.spec, stream, *model.spec.input, first), rules);
}

/// conv - relu - pool - conv - tanh - conv over the map - relu - linear
Model example() {
  return model_of({Convolution{.in = 1, .out = 4, .kernel = {3, 3}}, kRelu, Pooling{},
                   Convolution{.in = 4, .out = 5, .kernel = {2, 2}, .bias = false}, kTanh,
                   Convolution{.in = 5, .out = 6, .kernel = {3, 4}}, kRelu, Linear{6, 7}},
                  {10, 12});
}

}  // namespace

TEST_CASE("an engine that fuses everything runs a layer with its activation and its pooling") {
  const Model model = example();
  const auto groups = fuse(model, kAll);
  REQUIRE(groups.size() == 4);
  const Shape inputs[] = {{1, 10, 12}, {4, 4, 5}, {5, 3, 4}, {6, 1, 1}};
  const Shape outputs[] = {{4, 4, 5}, {5, 3, 4}, {6, 1, 1}, {7, 1, 1}};
  const std::size_t ends[] = {3, 5, 7, 8};
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(groups[i].input == inputs[i]);
    CHECK(groups[i].output == outputs[i]);
    CHECK(groups[i].end == ends[i]);
    CHECK(groups[i].is_product == (i >= 2));
    CHECK(groups[i].pooling.has_value() == (i == 0));
  }
  CHECK(groups[0].layer_output == Shape{4, 8, 10});
  CHECK(groups[0].activation == Activation::Kind::relu);
  CHECK(groups[1].activation == Activation::Kind::tanh);
  CHECK(groups[2].activation == Activation::Kind::relu);
  CHECK_FALSE(groups[3].activation.has_value());
  CHECK(groups[0].name == "branch.0.0.");
  CHECK(groups[3].name == "branch.0.7.");
  CHECK(groups[0].weight.data() == model.weights.at("branch.0.0.weight").values.data());
  CHECK(groups[0].bias.size() == 4);
  CHECK(groups[1].weight.size() == 5 * 4 * 2 * 2);
  CHECK(groups[1].bias.empty());
  CHECK(groups[3].bias.size() == 7);
}

TEST_CASE("an engine that fuses nothing runs every layer by itself") {
  const Model model = example();
  const auto groups = fuse(model, kNothing);
  REQUIRE(groups.size() == model.spec.streams[0].layers.size());
  for (std::size_t i = 0; i < groups.size(); ++i) {
    CHECK(groups[i].layer == &model.spec.streams[0].layers[i]);
    CHECK(groups[i].output == groups[i].layer_output);
    CHECK(groups[i].end == i + 1);
  }
}

TEST_CASE("an engine is asked about each activation and each pooling, with the group so far") {
  const Model model = example();
  const FusionRules relu_alone{
      .fuses_activation = [](const FusedLayer&, Activation::Kind kind) { return kind == Activation::Kind::relu; },
      .fuses_pooling =
          [](const FusedLayer& group, const Pooling& pooling) {
            CHECK(group.activation == Activation::Kind::relu);
            CHECK(pooling == Pooling{});
            return false;
          }};
  const auto groups = fuse(model, relu_alone);
  REQUIRE(groups.size() == 6);
  CHECK(groups[0].end == 2);
  CHECK(std::holds_alternative<Pooling>(*groups[1].layer));
  CHECK(std::holds_alternative<Activation>(*groups[3].layer));
}

TEST_CASE("pooling of a product's output is never part of it") {
  const Model model = model_of({Linear{16, 9}, Pooling{.window = {1, 1}, .stride = {1, 1}}}, {4, 4});
  CHECK(fuse(model, kAll).size() == 2);
}

TEST_CASE("a list is read from any layer on") {
  const Model model = example();
  const auto groups = fuse(model, kAll, 3);
  REQUIRE(groups.size() == 3);
  CHECK(groups[0].input == Shape{4, 4, 5});
  CHECK(groups[0].name == "branch.0.3.");
}

TEST_CASE("weights that are missing or of another size are named") {
  Model model = example();
  model.weights.at("branch.0.3.weight").values.pop_back();
  CHECK_THROWS_WITH(fuse(model, kAll), "tensor branch.0.3.weight has 79 values, expected 80");
  model.weights.erase("branch.0.0.bias");
  CHECK_THROWS_WITH(fuse(model, kAll), "model has no tensor branch.0.0.bias");
  const Model normalised = model_of({Linear{16, 9}, BatchNormalisation{.channels = 9}}, {4, 4});
  CHECK_THROWS_AS(fuse(normalised, kAll), InvalidArgument);
}

TEST_CASE("batches are planned with the largest activation of any layer") {
  const Model model = example();
  const ActivationSizes sizes = activation_sizes(model.spec, {10, 12});
  CHECK(sizes.inputs == 120);
  CHECK(sizes.largest == 4 * 8 * 10);
}

TEST_CASE("columns of a matrix follow maps with channels last") {
  // 2 rows over 2 channels of 1×3.
  const std::vector<float> matrix{0, 1, 2, 10, 11, 12, 100, 101, 102, 110, 111, 112};
  CHECK(columns_channels_last(matrix, {2, 1, 3}) ==
        std::vector<float>{0, 10, 1, 11, 2, 12, 100, 110, 101, 111, 102, 112});
}
