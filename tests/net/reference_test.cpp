// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "support/reference.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <numeric>

#include "support/random.hpp"

// The reference itself, against numbers worked out by hand: what everything else is compared with must not be wrong.

using namespace twinpatch;
using reference::Map;
using reference::Vector;
using reference::Weights;

namespace {

/// 1, 2, 3, … in a map.
Map counting(int channels, int height, int width) {
  Map map({channels, height, width});
  std::iota(map.values.begin(), map.values.end(), 1.0);
  return map;
}

Weights weights(std::vector<float> weight, std::vector<float> bias) {
  return {{"weight", {.shape = {}, .values = std::move(weight)}}, {"bias", {.shape = {}, .values = std::move(bias)}}};
}

/// A siamese network that leaves its vector as the patch's pixels, 1×n.
Model pixels(int n, Decision decision) {
  NetworkSpec spec = network("siam");
  spec.input = Extent{1, n};
  spec.streams = {{{}, {Activation{}}}};
  spec.decision = std::move(decision);
  return {.spec = spec, .weights = {}, .metadata = {}};
}

Map row(const Vector& values) {
  Map map({1, 1, static_cast<int>(values.size())});
  map.values = values;
  return map;
}

}  // namespace

TEST_CASE("reference convolution: no kernel flip, stride, padding, several channels") {
  const Convolution layer{.in = 2, .out = 1, .kernel = {2, 1}, .stride = {1, 2}};
  // Channel 0: 1 2 3 / 4 5 6; channel 1: 7 8 9 / 10 11 12. Columns 0 and 2.
  const Map out = reference::apply(layer, counting(2, 2, 3), weights({1, 10, 100, 1000}, {0.5F}), "");
  CHECK(out.shape == Shape{1, 1, 2});
  CHECK(out.values == Vector{1 + 40 + 700 + 10000 + 0.5, 3 + 60 + 900 + 12000 + 0.5});
  const Convolution padded{.in = 1, .out = 1, .kernel = {3, 3}, .stride = {2, 2}, .padding = {1, 1}, .bias = false};
  const Map sums = reference::apply(padded, counting(1, 3, 3), weights(std::vector<float>(9, 1), {}), "");
  CHECK(sums.values == Vector{1 + 2 + 4 + 5, 2 + 3 + 5 + 6, 4 + 5 + 7 + 8, 5 + 6 + 8 + 9});
}

TEST_CASE("reference pooling: windows cut off at the border count what lies inside") {
  const Pooling max{.kind = Pooling::Kind::max, .ceil = true};
  CHECK(reference::apply(max, counting(1, 3, 3), {}, "").values == Vector{5, 6, 8, 9});
  const Pooling average{.kind = Pooling::Kind::average, .ceil = true};
  CHECK(reference::apply(average, counting(1, 3, 3), {}, "").values == Vector{3, 4.5, 7.5, 9});
  CHECK(reference::apply(Pooling{}, counting(1, 3, 3), {}, "").values == Vector{5});
}

TEST_CASE("reference of the layers with a gain for each channel") {
  const Subsampling subsampling{2, {1, 2}};
  CHECK(reference::apply(subsampling, counting(2, 1, 2), weights({2, -1}, {1, 0}), "").values == Vector{4, -3.5});
  Weights statistics = weights({2, 4}, {1, -1});
  statistics["running_mean"].values = {1, 0};
  statistics["running_var"].values = {3, 15};
  const BatchNormalisation layer{.channels = 2, .epsilon = 1, .affine = true};
  CHECK(reference::apply(layer, counting(2, 1, 2), statistics, "").values == Vector{1, 2, 2, 3});
}

TEST_CASE("reference spatial pyramid: overlapping bins, level by level, channel outermost") {
  const Map out = reference::apply(SpatialPyramid{{2, 1}}, counting(2, 3, 3), {}, "");
  CHECK(out.shape == Shape{10, 1, 1});
  CHECK(out.values == Vector{5, 6, 8, 9, 14, 15, 17, 18, 9, 18});
  CHECK(reference::apply(SpatialPyramid{{4}}, counting(1, 1, 1), {}, "").values == Vector(16, 1.0));
}

TEST_CASE("reference linear layer and activations") {
  const Map out = reference::apply(Linear{4, 2}, counting(2, 1, 2), weights({1, 0, 0, 0, 1, 1, 1, 1}, {-3, 1}), "");
  CHECK(out.values == Vector{-2, 11});
  CHECK(reference::apply(Activation{}, out, {}, "").values == Vector{0, 11});
  CHECK(reference::apply(Activation{Activation::Kind::tanh}, out, {}, "").values[0] == Approx(std::tanh(-2.0)));
}

TEST_CASE("reference views of a patch") {
  const Map map = counting(2, 4, 5);
  const Map central = reference::view({StreamView::Kind::central_crop}, map);
  CHECK(central.shape == Shape{2, 2, 2});
  CHECK(central.values == Vector{7, 8, 12, 13, 27, 28, 32, 33});
  const Map surround = reference::view({StreamView::Kind::surround_average}, map);
  CHECK(surround.values == Vector{4, 6, 14, 16, 24, 26, 34, 36});
  const Map whole = counting(1, 64, 64);
  CHECK(reference::view({StreamView::Kind::central_crop}, whole).at(0, 0, 0) == whole.at(0, 16, 16));
  CHECK(reference::view({StreamView::Kind::central_crop}, whole).at(0, 31, 31) == whole.at(0, 47, 47));
}

TEST_CASE("reference normalisation of grey levels") {
  const std::vector<std::uint8_t> levels{0, 255, 255, 0};
  CHECK(reference::normalise(levels, {2, 2}, {}).values == Vector{-0.5, 0.5, 0.5, -0.5});
  const Normalisation raw{.scale = 1, .subtract_mean = false};
  CHECK(reference::normalise(levels, {1, 4}, raw).values == Vector{0, 255, 255, 0});
  const Normalisation unit{.scale = 1, .divide_deviation = true, .deviation_epsilon = 1e-12};
  CHECK(reference::normalise(levels, {1, 4}, unit).values[1] == Approx(1));
  const Normalisation unbiased{
      .scale = 1, .divide_deviation = true, .deviation_epsilon = 1e-12, .unbiased_deviation = true};
  CHECK(reference::normalise(levels, {1, 4}, unbiased).values[1] == Approx(std::sqrt(3.0 / 4)));
  const std::vector<std::uint8_t> flat(4, 77);
  CHECK(reference::normalise(flat, {1, 4}, unit).values == Vector(4, 0.0));
}

TEST_CASE("reference decisions") {
  using Kind = DecisionMetric::Kind;
  const Map a = row({3, 4});
  const Map b = row({4, 3});
  CHECK(reference::score(pixels(2, DecisionMetric{Kind::l2, false}), a, b) == Approx(-std::sqrt(2.0)));
  CHECK(reference::score(pixels(2, DecisionMetric{Kind::l2, true}), a, b) == Approx(-std::sqrt(2.0) / 5));
  CHECK(reference::score(pixels(2, DecisionMetric{Kind::l1, false}), a, b) == Approx(-2));
  CHECK(reference::score(pixels(2, DecisionMetric{Kind::cosine, true}), a, b) == Approx(0.96));
  CHECK(reference::score(pixels(2, DecisionMetric{Kind::l2, true}), row({0, 0}), row({0, 0})) == 0);
  Model layers = pixels(2, DecisionLayers{{Linear{4, 1}}});
  layers.weights["decision.0.weight"].values = {1, 10, 100, 1000};  // left first
  layers.weights["decision.0.bias"].values = {0.5};
  CHECK(reference::score(layers, a, b) == Approx(3 + 40 + 400 + 3000 + 0.5));
}

TEST_CASE("reference towers: own weights on the right of a pseudo-siamese network, streams in order") {
  Model model = random_model(network("pseudo-siam-l2"), 2);
  const auto levels = test::structured_patches(1, 64, 64, 4);
  const Map patch = reference::normalise(levels, {64, 64}, {});
  const Vector left = reference::branch_vector(model, false, patch);
  CHECK(left != reference::branch_vector(model, true, patch));
  CHECK(left.size() == 256);
  for (auto& [name, tensor] : model.weights) {
    if (name.starts_with("right")) tensor = model.weights.at("left" + name.substr(5));
  }
  CHECK(left == reference::branch_vector(model, true, patch));
  const Model two = random_model(network("siam-2stream"), 2);
  const Vector both = reference::branch_vector(two, false, patch);
  Model central = two;
  central.spec.streams.pop_back();
  const Vector first = reference::branch_vector(central, false, patch);
  CHECK(first.size() == 256);
  CHECK(std::equal(first.begin(), first.end(), both.begin()));
}

TEST_CASE("reference grids hold the scores of their pairs, of bytes and of floats") {
  const Model model = random_model(network("siam-spp-l2"), 2);
  const auto left = test::structured_patches(2, 46, 50, 4);
  const auto right = test::structured_patches(3, 64, 48, 5);
  const PatchView a{PixelType::u8, left.data(), 2, 46, 50};
  const PatchView b{PixelType::u8, right.data(), 3, 64, 48};
  const Vector grid = reference::scores(model, a, b);
  REQUIRE(grid.size() == 6);
  const Normalisation& rule = model.spec.normalisation;
  const Map x = reference::patch(a, 1, rule);
  CHECK(grid[5] == reference::score(model, x, reference::patch(b, 2, rule)));
  CHECK(reference::descriptors(model, true, b).size() == 3 * 4096);
  // Floats are taken as they are.
  const std::vector<float> raw(x.values.begin(), x.values.end());
  const PatchView floats{PixelType::f32, raw.data(), 1, 46, 50};
  CHECK(reference::scores(model, floats, b)[2] == Approx(grid[5]).epsilon(1e-5));
}

TEST_CASE("reference selections: best first, ties by lower index, nothing below the threshold") {
  Matrix scores(2, 3);
  const float values[] = {1, 5, 5, 4, -2, 5};
  std::copy(std::begin(values), std::end(values), scores.data());
  const Selected best =
      reference::select(scores.view(), {.rows = 2, .columns = 3, .top_k = 4, .column_best = true, .threshold = 1});
  const auto indices = best.indices.span();
  CHECK(std::vector<std::int32_t>(indices.begin(), indices.end()) ==
        std::vector<std::int32_t>{1, 2, 0, -1, 2, 0, -1, -1});
  CHECK(best.scores[0] == 5);
  CHECK(best.scores[3] == -std::numeric_limits<float>::infinity());
  const auto columns = best.column_indices.span();
  CHECK(std::vector<std::int32_t>(columns.begin(), columns.end()) == std::vector<std::int32_t>{1, 0, 0});
  CHECK(best.column_scores[1] == 5);
  CHECK(reference::mutual_best(scores.view(), 0) == std::vector<Match>{{0, 1, 5}});
  CHECK(reference::mutual_best(scores.view(), 6).empty());
  CHECK(reference::mutual_best({}, 0).empty());
}
