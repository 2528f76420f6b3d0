// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/net/two_channel.hpp"

#include <catch2/catch.hpp>
#include <numeric>

#include "support/small_networks.hpp"
#include "twinpatch/core/error.hpp"

using namespace twinpatch;

TEST_CASE("what follows the first convolution of a 2-channel network is told from its layers") {
  const auto networks = test::joining_networks();
  const auto relu = Activation::Kind::relu;
  const auto tanh = Activation::Kind::tanh;
  const std::vector<JoinRule> expected = {{{}, false, 1},  {relu, false, 2}, {tanh, false, 2}, {relu, true, 3},
                                          {tanh, true, 3}, {{}, false, 1},   {relu, false, 2}, {relu, false, 2}};
  REQUIRE(networks.size() == expected.size());
  for (std::size_t i = 0; i < networks.size(); ++i) {
    INFO(networks[i].name);
    CHECK(join_rule(networks[i], *networks[i].input) == expected[i]);
  }
}

TEST_CASE("streams that would join halves differently do not use them") {
  NetworkSpec spec = test::joining_networks()[3];
  spec.streams.push_back(test::joining_networks()[1].streams.front());
  CHECK_FALSE(join_rule(spec, {17, 13}).has_value());
  spec.streams.back() = spec.streams.front();
  CHECK(join_rule(spec, {17, 13}).has_value());
  // Too small a map to pool.
  CHECK(join_rule(spec, {3, 13})->pool == false);
  spec.streams.back().layers.erase(spec.streams.back().layers.begin());
  CHECK_FALSE(join_rule(spec, {17, 13}).has_value());
}

TEST_CASE("a first convolution is split by its input channels, the bias with the first") {
  const Convolution whole{.in = 2, .out = 3, .kernel = {2, 3}, .stride = {2, 1}};
  std::vector<float> both(2 * 3 * 6);
  std::iota(both.begin(), both.end(), 0.0F);
  const auto left = half_weights(whole, both, true);
  const auto right = half_weights(whole, both, false);
  REQUIRE(left.size() == 18);
  REQUIRE(right.size() == 18);
  for (int o = 0; o < 3; ++o) {
    for (int i = 0; i < 6; ++i) {
      CHECK(left[static_cast<std::size_t>(o * 6 + i)] == static_cast<float>(o * 12 + i));
      CHECK(right[static_cast<std::size_t>(o * 6 + i)] == static_cast<float>(o * 12 + 6 + i));
    }
  }
  Convolution half = whole;
  half.in = 1;
  CHECK(half_of(whole, true) == half);
  half.bias = false;
  CHECK(half_of(whole, false) == half);
  Convolution plain = whole;
  plain.bias = false;
  CHECK_FALSE(half_of(plain, true).bias);
}

TEST_CASE("halves of all streams are counted, and patches of a pair must be of one size") {
  NetworkSpec spec = test::joining_networks()[1];
  spec.streams.push_back({{StreamView::Kind::surround_average}, spec.streams.front().layers});
  CHECK(halves_size(spec, {17, 13}) == 6 * (15 * 11 + 6 * 4));
  CHECK(check_pair(spec, {17, 13}, {17, 13}) == Extent{17, 13});
  CHECK_THROWS_AS(check_pair(spec, {17, 13}, {13, 17}), ShapeError);
}
