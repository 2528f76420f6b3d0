// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "kernels/stem_kernels.hpp"
#include "layers_support.hpp"
#include "plan/stem_step.hpp"
#include "support/instruction_set.hpp"

using namespace twinpatch;
namespace tolerance = test::tolerance;

namespace {

constexpr auto kRelu = Activation{Activation::Kind::relu};

Convolution convolution(int in, int out, int kernel, int stride) {
  return {.in = in, .out = out, .kernel = {kernel, kernel}, .stride = {stride, stride}};
}

void check_stem(const std::vector<Layer>& layers, Shape input) {
  test::check_layers(layers, input, 3, 2, true, tolerance::kLayerFp32, "first convolution");
}

}  // namespace

TEST_CASE("first convolutions equal the reference on every instruction set that this processor has") {
  for (const auto target : test::highway_targets()) {
    const test::OnlyTarget only(target);
    INFO("target " << cpu::stem_kernels().target);
    check_stem({convolution(2, 96, 7, 3), kRelu, Pooling{}}, {2, 64, 64});
    check_stem({convolution(1, 96, 7, 3)}, {1, 64, 64});
    check_stem({convolution(2, 96, 4, 3), kRelu}, {2, 64, 64});
    check_stem({convolution(1, 32, 7, 1), kRelu, Pooling{}}, {1, 37, 35});  // odd map: the last row and column fall off
    check_stem({convolution(2, 16, 5, 2), kRelu, Pooling{}}, {2, 33, 47});
    check_stem({Convolution{.in = 1, .out = 48, .kernel = {3, 5}, .stride = {2, 1}, .bias = false}}, {1, 20, 19});
  }
}

TEST_CASE("first convolutions that the kernels do not take go to oneDNN") {
  const auto fits = [](const Convolution& layer, Shape input, bool pool) {
    return cpu::stem_fits(layer, output_shape(layer, input), pool);
  };
  CHECK(fits(convolution(2, 96, 7, 3), {2, 64, 64}, true));
  CHECK_FALSE(fits(convolution(3, 96, 7, 3), {3, 64, 64}, true));  // three channels
  CHECK_FALSE(fits(convolution(1, 15, 7, 1), {1, 56, 46}, false));
  CHECK_FALSE(fits(convolution(1, 96, 7, 3), {1, 7, 7}, true));  // nothing to pool
  auto padded = convolution(1, 32, 3, 1);
  padded.padding = {1, 1};
  CHECK_FALSE(fits(padded, {1, 32, 32}, false));
  test::check_layers({padded, kRelu}, {1, 32, 32}, 2, 2, true, tolerance::kLayerFp32, "oneDNN");
}
