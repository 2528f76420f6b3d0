// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/net/activation_bounds.hpp"

#include <catch2/catch.hpp>

#include "support/message.hpp"
#include "twinpatch/core/error.hpp"

// That what passes does not overflow is tested where engines run it: tests/backend/faults_test.cpp.

namespace twinpatch::test {
namespace {

using Catch::Contains;

/// Pixels × 4 weights of `first` → 1, × 3 weights of `second`.
Model two_layers(float first, float second) {
  Model model;
  model.spec.name = "two";
  model.spec.input = Extent{2, 2};
  model.spec.streams = {{{}, {Convolution{.in = 1, .out = 1, .kernel = {2, 2}}, Activation{}}}};
  model.spec.decision = DecisionLayers{{Linear{2, 1}}};
  model.weights["branch.0.0.weight"] = Tensor{{1, 1, 2, 2}, {first, -first, first, first}};
  model.weights["branch.0.0.bias"] = Tensor{{1}, {-2}};
  model.weights["decision.0.weight"] = Tensor{{1, 2}, {second, -second}};
  model.weights["decision.0.bias"] = Tensor{{1}, {0}};
  return model;
}

}  // namespace

TEST_CASE("a network whose activations may overflow is refused with its layer") {
  CHECK_NOTHROW(check_activation_bounds(two_layers(1, 1), 255));
  // 4 · 1e3 · 2.4e30 = 9.6e33, then 2.6e30.
  CHECK_NOTHROW(check_activation_bounds(two_layers(2.4e30F, 0.5F), 1e3));
  CHECK(message_of<InvalidArgument>([] { check_activation_bounds(two_layers(2.6e30F, 0), 1e3); }) ==
        "network two: its weights are so large that the output of layer branch.0.0 (conv 1 2×2) may reach 1.0e+34, "
        "more than float32 holds");
  // (4 · 10 + 2) · 2 · 1e33
  CHECK_THAT(message_of<InvalidArgument>([] { check_activation_bounds(two_layers(1, 1e33F), 10); }),
             Contains("layer decision.0 ") && Contains("8.4e+34"));
}

TEST_CASE("a tanh bounds what follows it, both towers and every stream are looked at") {
  Model model = two_layers(1e30F, 1e30F);
  CHECK_THROWS_AS(check_activation_bounds(model, 100), InvalidArgument);
  model.spec.streams[0].layers[1] = Activation{Activation::Kind::tanh};
  CHECK_NOTHROW(check_activation_bounds(model, 100));

  Model towers = two_layers(1, 1);
  towers.spec.coupling = Coupling::pseudo_siamese;
  for (const char* side : {"left", "right"}) {
    for (const char* field : {"weight", "bias"}) {
      const std::string name = std::string(".0.0.") + field;
      towers.weights[side + name] = towers.weights["branch" + name];
    }
  }
  CHECK_NOTHROW(check_activation_bounds(towers, 100));
  towers.weights["right.0.0.bias"].values[0] = 3e38F;
  CHECK_THAT(message_of<InvalidArgument>([&] { check_activation_bounds(towers, 100); }), Contains("right.0.0"));
  towers.weights["right.0.0.bias"].values[0] = 0;
  towers.weights["left.0.0.bias"].values[0] = -3e38F;
  CHECK_THAT(message_of<InvalidArgument>([&] { check_activation_bounds(towers, 100); }), Contains("left.0.0"));
}

TEST_CASE("networks of the catalogue and deep ones pass") {
  for (const NetworkSpec& spec : catalogue()) {
    CHECK_NOTHROW(check_activation_bounds(fold_batch_normalisation(random_model(spec, 5)), 1e6));
  }
}

}  // namespace twinpatch::test
