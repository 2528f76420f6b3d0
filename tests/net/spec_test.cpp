// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/net/spec.hpp"

#include <catch2/catch.hpp>
#include <set>

#include "twinpatch/core/error.hpp"

using namespace twinpatch;
using Catch::Contains;

namespace {

Shape last_shape(const NetworkSpec& spec, std::size_t stream, Extent input) {
  Shape shape = stream_input(spec, spec.streams[stream], input);
  for (const Layer& layer : spec.streams[stream].layers) shape = output_shape(layer, shape);
  return shape;
}

Convolution convolution(int in, int out, int kernel) { return {.in = in, .out = out, .kernel = {kernel, kernel}}; }

}  // namespace

TEST_CASE("parameters and multiply-adds of the published networks") {
  struct Row {
    const char* name;
    std::int64_t parameters;
    double mega_macs;  // of a pair
  };
  const Row rows[] = {
      {"2ch", 913377, 20.79},          {"2ch-deep", 1083073, 86.54},    {"2ch-2stream", 2353153, 40.56},
      {"siam", 1171585, 38.09},        {"pseudo-siam", 2080001, 38.09}, {"siam-2stream", 3451457, 37.31},
      {"siam-2stream-l2", 2400832, 0}, {"siam-l2", 908416, 0},          {"pseudo-siam-l2", 2 * 908416, 0}};
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const Cost found = cost(network(row.name));
    CHECK(found.parameters == row.parameters);
    if (row.mega_macs > 0) CHECK(double(found.macs_per_pair) * 1e-6 == Approx(row.mega_macs).margin(0.0051));
  }
  CHECK(cost(network("siam")).branch_parameters == 908416);
  CHECK(cost(network("siam-2stream")).branch_parameters == 2400832);
  CHECK(double(cost(network("siam")).macs_per_patch) * 1e-6 == Approx(18.91).margin(0.0051));
  CHECK(double(cost(network("siam-2stream")).macs_per_patch) * 1e-6 == Approx(18.13).margin(0.0051));
  CHECK(cost(network("2ch")).macs_per_patch == 0);
}

TEST_CASE("heads of the paper and of the training script") {
  CHECK(cost(network("2ch-paper")).parameters == 913377 - 257 + 256 * 257 + 257);
  CHECK(cost(network("2ch-deep-mlp")).parameters == 1083073 - 769 + 768 * 769 + 769);
  CHECK(cost(network("siam-2stream-paper")).parameters == 2400832 + 512 * 1025 + 513);
  CHECK(cost(network("siam-2stream-mlp")).parameters == 2400832 + 2 * 1024 * 1025 + 1025);
}

TEST_CASE("parameters of the older and newer networks") {
  CHECK(cost(network("chopra-2005")).parameters == 750 + 30 + 24345 + 90 + 281500 + 12550);
  CHECK(cost(network("bromley-1994")).parameters == (88 * 12 + 12) + (120 * 16 + 16));
  CHECK(cost(network("tfeat")).parameters == 32 * 49 + 32 + 64 * 32 * 36 + 64 + 128 * 4096 + 128);
  CHECK(cost(network("hardnet")).parameters ==
        9 * (32 + 32 * 32 + 32 * 64 + 64 * 64 + 64 * 128 + 128 * 128) + 128 * 128 * 64);
  CHECK(cost(network("sosnet")).parameters == cost(network("hardnet")).parameters);
  CHECK(cost(network("hard128")).parameters == 9 * (32 + 32 * 64 + 64 * 64 + 64 * 128) + 128 * 128 * 64);
  CHECK(cost(network("hard128")).macs_per_patch < cost(network("siam")).macs_per_patch);
  CHECK(cost(network("hard64")).parameters == 9 * (32 + 32 * 64 + 64 * 96) + 96 * 64 * 64);
  CHECK(double(cost(network("hard64")).macs_per_patch) * 1e-6 == Approx(5.19).margin(0.0051));
}

TEST_CASE("shapes on the way through the networks") {
  CHECK(last_shape(network("2ch"), 0, {64, 64}) == Shape{256, 1, 1});
  CHECK(last_shape(network("2ch-deep"), 0, {64, 64}) == Shape{192, 2, 2});
  CHECK(last_shape(network("siam-2stream"), 1, {64, 64}) == Shape{256, 1, 1});
  CHECK(last_shape(network("hard128"), 0, {64, 64}) == Shape{128, 1, 1});
  CHECK(last_shape(network("hard64"), 0, {64, 64}) == Shape{64, 1, 1});
  CHECK(branch_size(network("2ch-2stream")) == 1536);
  CHECK(branch_size(network("bromley-1994")) == 16 * 19);
  CHECK(branch_size(network("chopra-2005")) == 50);
  const NetworkSpec& spp = network("siam-spp");
  CHECK(branch_size(spp) == 4096);
  for (const Extent size : {Extent{46, 46}, Extent{64, 64}, Extent{47, 91}, Extent{200, 46}}) {
    CHECK(last_shape(spp, 0, size) == Shape{4096, 1, 1});
  }
  CHECK_THROWS_AS(last_shape(spp, 0, {45, 46}), ShapeError);
}

TEST_CASE("order and views of the streams") {
  using Kind = StreamView::Kind;
  CHECK(network("2ch-2stream").streams[0].view.kind == Kind::surround_average);
  CHECK(network("2ch-2stream").streams[1].view.kind == Kind::central_crop);
  CHECK(network("siam-2stream").streams[0].view.kind == Kind::central_crop);
  CHECK(network("siam-2stream").streams[1].view.kind == Kind::surround_average);
  CHECK(std::holds_alternative<Convolution>(network("siam-2stream").streams[0].layers.back()));
  CHECK(std::holds_alternative<Activation>(network("siam-2stream-paper").streams[0].layers.back()));
}

TEST_CASE("symmetry and descriptors follow from coupling and decision") {
  CHECK(is_symmetric(network("siam-l2")));
  CHECK(is_symmetric(network("chopra-2005")));
  CHECK_FALSE(is_symmetric(network("siam")));
  CHECK_FALSE(is_symmetric(network("pseudo-siam-l2")));
  CHECK_FALSE(is_symmetric(network("2ch")));
  CHECK(has_descriptors(network("siam")));
  CHECK_FALSE(has_descriptors(network("2ch-spp")));
}

TEST_CASE("catalogue names are unique and found, others are refused with the nearest") {
  std::set<std::string> names;
  for (const NetworkSpec& spec : catalogue()) {
    CHECK(names.insert(spec.name).second);
    CHECK(&network(spec.name) == &spec);
    CHECK_FALSE(spec.summary.empty());
    CHECK_NOTHROW(check(spec));
  }
  CHECK_THROWS_WITH(network("siam2stream"), Contains("siam-2stream"));
  CHECK_THROWS_AS(network(std::string(100000, 'x')), InvalidArgument);
}

TEST_CASE("pooling rounds down, or up where asked") {
  const auto rows = [](const Pooling& pooling, int size) { return output_shape(pooling, {1, size, size}).height; };
  CHECK(rows({}, 15) == 7);
  CHECK(rows({.ceil = true}, 15) == 8);
  CHECK(rows({.ceil = true}, 16) == 8);
  CHECK(rows({.ceil = true}, 1) == 1);
  // The window that would start past the end does not count.
  CHECK(rows({.window = {1, 1}, .stride = {3, 3}, .ceil = true}, 3) == 1);
  CHECK_THROWS_WITH(rows({}, 1), Contains("max pool 2×2: expects at least 2×2, found 1×1×1"));
}

TEST_CASE("a layer that does not fit says what it expected and found") {
  CHECK_THROWS_WITH(output_shape(convolution(2, 96, 7), {1, 64, 64}),
                    Contains("conv 96 7×7: expects 2 channels, found 1×64×64"));
  CHECK_THROWS_WITH(output_shape(convolution(1, 96, 7), {1, 6, 64}), Contains("expects at least 7×7, found 1×6×64"));
  CHECK_THROWS_WITH(output_shape(Linear{256, 1}, {192, 2, 2}), Contains("linear 1: expects 256 values, found 192×2×2"));
  NetworkSpec spec = network("2ch");
  spec.streams[0].layers[3] = convolution(95, 192, 5);
  CHECK_THROWS_WITH(check(spec), Contains("network 2ch, stream 0, layer 3: conv 192 5×5: expects 95 channels"));
}

TEST_CASE("numbers out of bounds are refused before they are multiplied") {
  constexpr int kHuge = 2147483647;
  CHECK_THROWS_AS(output_shape(convolution(kHuge, kHuge, kHuge), {1, 64, 64}), ShapeError);
  CHECK_THROWS_AS(output_shape(convolution(65536, 65536, 1024), {65536, 64, 64}), ShapeError);
  CHECK_THROWS_AS(output_shape(convolution(1, 0, 7), {1, 64, 64}), ShapeError);
  CHECK_THROWS_AS(output_shape(Linear{kHuge, 1}, {1, 64, 64}), ShapeError);
  CHECK_THROWS_AS(output_shape(SpatialPyramid{{}}, {1, 4, 4}), ShapeError);
  CHECK_THROWS_AS(output_shape(SpatialPyramid{{kHuge}}, {1, 4, 4}), ShapeError);
  CHECK_THROWS_AS(output_shape(SpatialPyramid{{64, 64}}, {65536, 4, 4}), ShapeError);
  CHECK_THROWS_AS(output_shape(Activation{}, {65536, 65536, 65536}), ShapeError);
  CHECK_THROWS_AS(output_shape(Activation{}, {1, -1, -1}), ShapeError);
  CHECK_THROWS_AS(output_shape(Pooling{.stride = {0, 2}}, {1, 4, 4}), ShapeError);
  CHECK_THROWS_AS(output_shape(BatchNormalisation{.channels = 1, .epsilon = 0}, {1, 4, 4}), ShapeError);
  NetworkSpec spec = network("siam");
  spec.input = Extent{kHuge, kHuge};
  CHECK_THROWS_AS(check(spec), ShapeError);
}

TEST_CASE("networks that make no sense are refused") {
  const auto refused = [](const char* base, const auto& change, const char* why) {
    NetworkSpec spec = network(base);
    change(spec);
    CHECK_THROWS_WITH(check(spec), Contains(why));
  };
  refused(
      "siam", [](auto& s) { s.streams.clear(); }, "1 to 16 streams, found 0");
  refused(
      "siam", [](auto& s) { s.streams[0].layers.clear(); }, "stream 0 must have 1 to 256 layers");
  refused(
      "siam", [](auto& s) { s.input.reset(); }, "any input size needs a spatial pyramid in stream 0");
  refused(
      "siam-spp",
      [](auto& s) {
        s.minimum_input = {45, 45};
      },
      "stream 0, layer 5");
  refused(
      "2ch", [](auto& s) { s.decision = DecisionMetric{}; }, "a 2-channel network has one vector per pair");
  refused(
      "siam", [](auto& s) { std::get<DecisionLayers>(s.decision).layers.pop_back(); }, "must end in one score");
  refused(
      "siam",
      [](auto& s) {
        std::get<DecisionLayers>(s.decision).layers[0] = Linear{256, 512};
      },
      "decision part, layer 0: linear 512: expects 256 values, found 512×1×1");
  refused(
      "siam", [](auto& s) { std::get<DecisionLayers>(s.decision).layers[1] = Pooling{}; },
      "must be linear, activation or batch norm, found max pool 2×2");
  refused(
      "siam", [](auto& s) { s.normalisation.scale = 0; }, "the scale of the grey levels must be positive");
  refused(
      "siam", [](auto& s) { s.name.clear(); }, "a name must have");
}

TEST_CASE("layers in words") {
  CHECK(describe(Convolution{.in = 1, .out = 96, .kernel = {7, 7}, .stride = {3, 3}}) == "conv 96 7×7 / 3");
  CHECK(describe(Convolution{.in = 1, .out = 12, .kernel = {8, 11}, .stride = {1, 3}}) == "conv 12 8×11 / 1×3");
  CHECK(describe(Pooling{.ceil = true}) == "max pool 2×2 ceil");
  CHECK(describe(SpatialPyramid{{4, 2}}) == "spatial pyramid 4, 2");
}
