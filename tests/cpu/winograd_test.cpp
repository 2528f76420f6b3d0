// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "kernels/winograd_kernels.hpp"
#include "kernels/winograd_matrices.hpp"
#include "layers_support.hpp"
#include "plan/winograd_step.hpp"
#include "support/instruction_set.hpp"

using namespace twinpatch;
using test::check_layers;
namespace tolerance = test::tolerance;

namespace {

constexpr auto kRelu = Activation{Activation::Kind::relu};

Convolution convolution(int in, int out, int kernel, int padding = 0) {
  return {.in = in, .out = out, .kernel = {kernel, kernel}, .padding = {padding, padding}};
}

void check(const std::vector<Layer>& layers, Shape input) {
  for (const auto& [count, batch] : {std::pair{1, 1}, {3, 8}, {37, 32}}) {
    INFO("count " << count << ", batch " << batch);
    check_layers(layers, input, count, batch, false, tolerance::kWinogradFp32, "Winograd");
  }
}

}  // namespace

TEST_CASE("Winograd's matrices give the correlation they stand for") {
  constexpr auto& matrices = cpu::kWinograd<3, 5>;
  test::Random random(5);
  double data[7], taps[5], products[7];
  for (double& value : data) value = random.normal();
  for (double& value : taps) value = random.normal();
  for (int i = 0; i < 7; ++i) {
    double input = 0, filter = 0;
    for (int j = 0; j < 7; ++j) input += matrices.input[i][j] * data[j];
    for (int j = 0; j < 5; ++j) filter += matrices.filter[i][j] * taps[j];
    products[i] = input * filter;
  }
  for (int i = 0; i < 3; ++i) {
    double expected = 0, got = 0;
    for (int j = 0; j < 5; ++j) expected += taps[j] * data[i + j];
    for (int j = 0; j < 7; ++j) got += matrices.output[i][j] * products[j];
    CHECK(got == Approx(expected).margin(1e-12));
  }
}

TEST_CASE("Winograd 5×5 equals the reference, with and without pooling, on whole and broken tiles") {
  check({convolution(96, 48, 5), kRelu, Pooling{}}, {96, 10, 10});
  check({convolution(16, 64, 5), kRelu}, {16, 10, 13});
  check({convolution(32, 32, 5)}, {32, 15, 9});
  check({convolution(16, 16, 5, 2), kRelu, Pooling{}}, {16, 9, 11});
}

TEST_CASE("Winograd 3×3 equals the reference, with and without pooling, on whole and broken tiles") {
  check({convolution(96, 96, 3), kRelu}, {96, 12, 12});
  check({convolution(32, 64, 3, 1), kRelu, Pooling{}}, {32, 16, 16});
  check({convolution(16, 16, 3)}, {16, 13, 17});
}

TEST_CASE("Winograd is taken where it pays and only there") {
  const auto fits = [](const Convolution& layer, Shape input) {
    return cpu::winograd_fits(layer, input, output_shape(layer, input));
  };
  CHECK(fits(convolution(96, 192, 5), {96, 10, 10}));
  CHECK_FALSE(fits(convolution(96, 192, 5), {96, 5, 5}));    // one output
  CHECK_FALSE(fits(convolution(3, 192, 5), {3, 10, 10}));    // channels not in sixteens
  CHECK_FALSE(fits(convolution(96, 192, 7), {96, 20, 20}));  // no such kernel
  auto strided = convolution(96, 192, 5);
  strided.stride = {2, 2};
  CHECK_FALSE(fits(strided, {96, 13, 13}));
  CHECK_FALSE(fits(convolution(512, 512, 5), {512, 200, 200}));  // leaves every cache
}

TEST_CASE("Winograd's kernels agree on every instruction set that this processor has") {
  REQUIRE_FALSE(test::highway_targets().empty());
  for (const auto target : test::highway_targets()) {
    const test::OnlyTarget only(target);
    INFO("target " << cpu::winograd_kernels().target);
    check_layers({convolution(32, 48, 5), kRelu, Pooling{}}, {32, 10, 10}, 5, 4, false, tolerance::kWinogradFp32,
                 cpu::winograd_kernels().target);
    check_layers({convolution(16, 64, 3)}, {16, 9, 12}, 2, 2, false, tolerance::kWinogradFp32, "Winograd");
    check_layers({convolution(16, 16, 3), kRelu}, {16, 9, 12}, 2, 2, false, tolerance::kWinogradFp32, "Winograd");
  }
}
