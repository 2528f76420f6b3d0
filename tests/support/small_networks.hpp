// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <set>
#include <utility>

#include "support/random.hpp"
#include "twinpatch/backend/selection.hpp"
#include "twinpatch/core/matrix.hpp"
#include "twinpatch/net/spec.hpp"

// Networks whose branch hardly matters or takes a blink, and descriptors made by hand: what decides on pairs is tested
// with them.

namespace twinpatch::test {

/// A siamese network with descriptors of `length`; what its branch is does not matter here.
inline NetworkSpec small_spec(int length, Decision decision) {
  NetworkSpec spec;
  spec.name = "small";
  spec.input = Extent{4, 4};
  spec.streams = {Stream{{}, {Linear{16, length}}}};
  spec.decision = std::move(decision);
  return spec;
}

inline DecisionLayers two_layer_head(int length, int hidden) {
  return {{Linear{2 * length, hidden}, Activation{Activation::Kind::relu}, Linear{hidden, 1}}};
}

/// 2-channel networks with every form of what follows the first convolution, so of joining its halves. Its output has
/// odd sides, of which pooling drops a row and a column.
inline std::vector<NetworkSpec> joining_networks() {
  const Activation relu{Activation::Kind::relu};
  const Activation tanh{Activation::Kind::tanh};
  const Pooling average{.kind = Pooling::Kind::average};
  const Pooling upwards{.ceil = true};
  const std::vector<std::vector<Layer>> forms = {
      {}, {relu}, {tanh}, {relu, Pooling{}}, {tanh, Pooling{}}, {Pooling{}}, {relu, average}, {relu, upwards}};
  std::vector<NetworkSpec> result;
  for (const auto& form : forms) {
    NetworkSpec spec;
    spec.input = Extent{17, 13};
    spec.coupling = Coupling::two_channel;
    std::vector<Layer> layers{Convolution{.in = 2, .out = 6, .kernel = {3, 3}}};
    layers.insert(layers.end(), form.begin(), form.end());
    spec.name = "join";
    for (const Layer& layer : form) spec.name += " " + describe(layer);
    layers.push_back(Convolution{.in = 6, .out = 5, .kernel = {3, 2}});
    spec.streams = {{{}, layers}};
    spec.decision = DecisionLayers{{Linear{static_cast<int>(branch_size(spec)), 1}}};
    result.push_back(std::move(spec));
  }
  return result;
}

constexpr Extent kTinyPatch{16, 16};

/// Networks that take a blink: two streams of two channels, and towers.
inline NetworkSpec tiny_two_channel() {
  const std::vector<Layer> layers{Convolution{.in = 2, .out = 6, .kernel = {3, 3}}, Activation{}, Pooling{},
                                  Convolution{.in = 6, .out = 5, .kernel = {2, 2}}, Activation{}};
  NetworkSpec spec;
  spec.name = "tiny-2ch";
  spec.input = kTinyPatch;
  spec.coupling = Coupling::two_channel;
  spec.streams = {{{StreamView::Kind::central_crop}, layers}, {{StreamView::Kind::surround_average}, layers}};
  spec.decision = DecisionLayers{{Linear{40, 7}, Activation{}, Linear{7, 1}}};
  return spec;
}

inline NetworkSpec tiny_siamese(Decision decision, Coupling coupling = Coupling::siamese) {
  NetworkSpec spec;
  spec.name = "tiny-siamese";
  spec.input = kTinyPatch;
  spec.coupling = coupling;
  spec.streams = {{{},
                   {Convolution{.in = 1, .out = 6, .kernel = {5, 5}, .stride = {2, 2}}, Activation{}, Pooling{},
                    Convolution{.in = 6, .out = 12, .kernel = {3, 3}}}}};
  spec.decision = std::move(decision);
  return spec;
}

inline std::vector<NetworkSpec> tiny_networks() {
  return {tiny_two_channel(), tiny_siamese(DecisionMetric{DecisionMetric::Kind::l2, true}),
          tiny_siamese(DecisionLayers{{Linear{24, 10}, Activation{}, Linear{10, 1}}}, Coupling::pseudo_siamese),
          tiny_siamese(DecisionLayers{{Linear{24, 10}, Activation{}, Linear{10, 9}, Activation{}, Linear{9, 1}}})};
}

/// Descriptors [count, length]: random, some of them copies of others (exact ties), some nearly so.
inline Matrix some_descriptors(std::int64_t count, int length, std::uint64_t seed, bool normalised) {
  Random random(seed);
  Matrix result(count, length);
  for (std::int64_t i = 0; i < count; ++i) {
    auto row = result.row(i);
    const bool copy = i > 0 && random.below(4) == 0;
    const double noise = !copy ? 1.0 : random.below(2) == 0 ? 0.0 : 1e-4;
    const std::int64_t from = copy ? random.below(i) : 0;
    double norm = 0;
    for (std::size_t k = 0; k < row.size(); ++k) {
      row[k] = static_cast<float>((copy ? double{result.row(from)[k]} : 0.0) + noise * random.normal());
      norm += double{row[k]} * row[k];
    }
    if (normalised && !(copy && noise == 0.0)) {
      for (float& value : row) value = static_cast<float>(value / std::sqrt(norm));
    }
  }
  return result;
}

inline void expect_same(const Selected& got, const Selected& expected) {
  REQUIRE(got.rows == expected.rows);
  REQUIRE(got.columns == expected.columns);
  REQUIRE(got.top_k == expected.top_k);
  REQUIRE(got.segments == expected.segments);
  const auto same = [](const auto& a, const auto& b) {
    REQUIRE(a.size() == b.size());
    CHECK(std::equal(a.data(), a.data() + a.size(), b.data()));
  };
  same(got.indices, expected.indices);
  same(got.scores, expected.scores);
  same(got.column_indices, expected.column_indices);
  same(got.column_scores, expected.column_scores);
  for (std::int64_t i = 0; i < got.rows * got.segment_count(); ++i) {
    std::set<std::int32_t> seen;
    for (int k = 0; k < got.top_k; ++k) {
      const std::int32_t index = got.indices[i * got.top_k + k];
      if (index >= 0) CHECK(seen.insert(index).second);
    }
  }
}

}  // namespace twinpatch::test
