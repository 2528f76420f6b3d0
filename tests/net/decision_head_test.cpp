// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/net/decision_head.hpp"

#include <catch2/catch.hpp>

#include "support/small_networks.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/net/siamese_grid.hpp"

using namespace twinpatch;

namespace {

constexpr auto kRelu = Activation{Activation::Kind::relu};
constexpr auto kTanh = Activation{Activation::Kind::tanh};

Model model_of(std::vector<Layer> decision) {
  return random_model(test::small_spec(20, DecisionLayers{std::move(decision)}), 3);
}

}  // namespace

TEST_CASE("a decision is read as its first layer, split by patch, and the rest") {
  const Model model = model_of({Linear{40, 30}, kRelu, Linear{30, 1}});
  const DecisionHead head = read_decision_head(model);
  CHECK(head.has_two_layers());
  CHECK(head.hidden() == 30);
  CHECK(head.half() == 20);
  CHECK(head.rest == 2);
  REQUIRE(head.layers.size() == 2);
  CHECK(head.first().weight.data() == model.weights.at("decision.0.weight").values.data());
  CHECK(head.first().weight.size() == 30 * 40);
  CHECK(head.first().bias.size() == 30);
  CHECK(head.layers[1].weight.data() == model.weights.at("decision.2.weight").values.data());
  CHECK(head.layers[1].in == 30);
  CHECK(head.layers[1].out == 1);
}

TEST_CASE("only linear - ReLU - linear has two layers") {
  CHECK_FALSE(read_decision_head(model_of({Linear{40, 1}})).has_two_layers());
  CHECK_FALSE(read_decision_head(model_of({Linear{40, 30}, Linear{30, 1}})).has_two_layers());
  CHECK_FALSE(read_decision_head(model_of({Linear{40, 30}, kTanh, Linear{30, 1}})).has_two_layers());
  CHECK_FALSE(read_decision_head(model_of({Linear{40, 30}, kRelu, Linear{30, 1}, kTanh})).has_two_layers());
  CHECK_FALSE(read_decision_head(model_of({Linear{40, 30}, kRelu, Linear{30, 5}, Linear{5, 1}})).has_two_layers());
}

TEST_CASE("the rest of a decision begins after the first layer's activation") {
  CHECK(read_decision_head(model_of({Linear{40, 1}})).rest == 1);
  CHECK(read_decision_head(model_of({Linear{40, 30}, Linear{30, 1}})).rest == 1);
  const DecisionHead head = read_decision_head(model_of({Linear{40, 30}, kTanh, Linear{30, 7}, kRelu, Linear{7, 1}}));
  CHECK(head.rest == 2);
  CHECK(head.first().activation == Activation::Kind::tanh);
  REQUIRE(head.layers.size() == 3);
  CHECK(head.layers[1].activation == Activation::Kind::relu);
  CHECK_FALSE(head.layers[2].activation.has_value());
}

TEST_CASE("models without a decision, and decisions that no engine runs, are refused") {
  Model model = model_of({Linear{40, 1}});
  model.descriptor_only = true;
  CHECK_THROWS_WITH(read_decision_head(model), Catch::Contains("pairs cannot be scored"));
  CHECK_THROWS_WITH(read_decision_head(model_of({Linear{40, 1}, kRelu, kTanh})),
                    Catch::Contains("decision layer 2 (tanh)"));
}

TEST_CASE("tiles of siamese grids take an eighth of the memory for either side") {
  const TileLimits limits{.bytes_per_value = 8, .grain = 64, .smallest = 256, .largest = 16384, .largest_deep = 1024};
  const auto rows = [&](std::vector<Layer> decision, std::int64_t memory) {
    return siamese_tile_rows(test::small_spec(20, DecisionLayers{std::move(decision)}), memory, limits);
  };
  const std::vector<Layer> head{Linear{40, 100}, kRelu, Linear{100, 1}};
  CHECK(rows(head, 8 * 8 * 100 * 1000) == 960);  // the longer of descriptor and hidden layer counts
  CHECK(rows(head, 1) == 256);
  CHECK(rows(head, std::int64_t{1} << 40) == 16384);
  CHECK(rows({Linear{40, 100}, kRelu, Linear{100, 9}, Linear{9, 1}}, std::int64_t{1} << 40) == 1024);
  CHECK(siamese_tile_rows(test::small_spec(20, DecisionMetric{}), 8 * 8 * 20 * 700, limits) == 640);
}

TEST_CASE("the slack of a sum grows with its length") {
  CHECK(summation_slack(0) == 0x1p-21);
  CHECK(summation_slack(504) == 0x1p-15);
}
