// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
// What trains is what runs: the trainer's networks against the engine, and the fast head against plain torch.
#include <ATen/ATen.h>
#include <torch/csrc/autograd/variable.h>

#include "initial_weights.hpp"
#include "pair_head.hpp"
// libtorch's logging defines a CHECK of its own.
#undef CHECK

#include <array>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "support/random.hpp"
#include "support/tolerances.hpp"
#include "tiny_network.hpp"
#include "twinpatch/engine/engine.hpp"
#include "twinpatch/train/torch_scores.hpp"

namespace {

using namespace twinpatch;

struct Patches {
  std::vector<std::uint8_t> pixels;
  PatchView view;
  Patches(std::int64_t count, Extent size, std::uint64_t seed)
      : pixels(test::structured_patches(count, size.height, size.width, seed)),
        view{PixelType::u8, pixels.data(), count, size.height, size.width} {}
};

TEST_CASE("every network of the catalogue scores as the engine does", "[train]") {
  ExecutionOptions options;
  options.device = "cpu";
  options.exact_convolutions = true;
  for (const NetworkSpec& spec : catalogue()) {
    INFO(spec.name);
    const Extent size = spec.input.value_or(Extent{64, 64});
    const Patches left(3, size, 11);
    const Patches right(3, size, 12);
    const Model model = random_model(spec, 5);
    Engine engine(model, options);
    const std::vector<IndexPair> pairs = {{0, 0}, {1, 1}, {2, 2}};
    const auto expected = engine.score(left.view, right.view, pairs);
    const auto got = torch_scores(model, left.view, right.view);
    const std::vector<double> reference(expected.begin(), expected.end());
    test::expect_close(got, reference, test::tolerance::kScoreFp32);
    if (spec.coupling == Coupling::two_channel) continue;
    const auto grid = torch_grid_scores(model, left.view, right.view);
    REQUIRE(grid.size() == 9);
    // Squared distances by products lose digits where vectors are near; otherwise the grid is its pairs.
    for (std::size_t i = 0; i < 3; ++i) CHECK(grid[4 * i] == Approx(expected[i]).margin(2e-3));
  }
}

TEST_CASE("raw patches are fed as they are", "[train]") {
  const Model model = random_model(network("siam"), 3);
  const auto values = test::normal_floats(2 * 64 * 64, 9, 0.2);
  const PatchView patches{PixelType::f32, values.data(), 2, 64, 64};
  ExecutionOptions options;
  options.device = "cpu";
  Engine engine(model, options);
  const auto expected = engine.score(patches, patches, std::vector<IndexPair>{{0, 0}, {1, 1}});
  const std::vector<double> reference(expected.begin(), expected.end());
  test::expect_close(torch_scores(model, patches, patches), reference, test::tolerance::kScoreFp32);
}

at::Tensor random_tensor(at::IntArrayRef shape, std::uint64_t seed) {
  auto tensor = at::empty(shape, at::kFloat);
  const auto values = test::normal_floats(tensor.numel(), seed);
  std::copy(values.begin(), values.end(), tensor.data_ptr<float>());
  return tensor;
}

TEST_CASE("weights that fit are taken by their place, whatever stands between", "[train]") {
  const Model shared = train::initial_model(test::tiny_spec(Coupling::siamese, test::tiny_layers(32)), 5);
  Model towers = train::initial_model(test::tiny_spec(Coupling::pseudo_siamese, DecisionMetric{}), 6);
  CHECK(train::take_weights(towers, shared) == 12);
  for (const char* side : {"left", "right"})
    for (const char* layer : {".0.0.weight", ".0.3.bias", ".0.6.weight"})
      CHECK(towers.weights.at(side + std::string(layer)).values ==
            shared.weights.at("branch" + std::string(layer)).values);

  NetworkSpec spec = test::tiny_spec(Coupling::siamese, test::tiny_layers(32));
  auto& layers = spec.streams[0].layers;
  layers.erase(layers.begin() + 2);  // the first pooling: the second convolution moves up, the linear layer grows
  std::get<Linear>(layers.at(5)).in = 400;
  Model wide = train::initial_model(spec, 7);
  const auto own = wide.weights.at("branch.0.5.weight").values;
  CHECK(train::take_weights(wide, shared) == 4 + 1 + 4);
  CHECK(wide.weights.at("branch.0.2.weight").values == shared.weights.at("branch.0.3.weight").values);
  CHECK(wide.weights.at("branch.0.5.weight").values == own);
  CHECK(wide.weights.at("decision.2.weight").values == shared.weights.at("decision.2.weight").values);

  Model pairs = train::initial_model(test::tiny_spec(Coupling::two_channel, test::tiny_layers(16)), 8);
  const auto first = pairs.weights.at("branch.0.0.weight").values;
  train::take_weights(pairs, shared);
  CHECK(pairs.weights.at("branch.0.0.weight").values == first);  // two channels are not one
  CHECK(pairs.weights.at("branch.0.3.weight").values == shared.weights.at("branch.0.3.weight").values);
}

TEST_CASE("the head of a grid and its gradient are those of the sums written out", "[train]") {
  for (const auto& [n, m, k] : std::vector<std::array<std::int64_t, 3>>{{1, 1, 1}, {3, 5, 7}, {17, 9, 64}}) {
    std::vector<at::Tensor> inputs = {random_tensor({n, k}, 1), random_tensor({m, k}, 2), random_tensor({1, k}, 3),
                                      random_tensor({1}, 4)};
    auto weights = random_tensor({n, m}, 5);
    weights.masked_fill_(weights < 0, 0);  // the gradient of many pairs is zero
    const auto gradients = [&](bool fast) {
      for (auto& input : inputs) input = input.detach().clone().set_requires_grad(true);
      const auto scores =
          fast ? train::pair_head(inputs[0], inputs[1], inputs[2], inputs[3])
               : (at::relu(inputs[0].unsqueeze(1) + inputs[1].unsqueeze(0)) * inputs[2]).sum(2) + inputs[3];
      (scores * weights).sum().backward();
      std::vector<at::Tensor> result = {scores.detach()};
      for (auto& input : inputs) result.push_back(input.grad());
      return result;
    };
    const auto plain = gradients(false);
    const auto fast = gradients(true);
    for (std::size_t i = 0; i < plain.size(); ++i) CHECK(at::allclose(fast[i], plain[i], 1e-4, 1e-4));
  }
}

}  // namespace
