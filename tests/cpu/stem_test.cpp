// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "kernels/paired_stem.hpp"
#include "kernels/stem_kernels.hpp"
#include "kernels/winograd_stem.hpp"
#include "layers_support.hpp"
#include "plan/stem_step.hpp"
#include "plan/winograd_stem_step.hpp"
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

TEST_CASE(
    "first convolutions in 16-bit integers equal the reference but for their rounding, on every instruction set") {
  if (cpu::paired_stems() == nullptr) {
    WARN("skipped: this processor has no products of 16-bit integers");
    return;
  }
  const auto check_integers = [](const std::vector<Layer>& layers, Shape input) {
    cpu::PlanOptions options{.size = {.batch = 2, .workers = 2}};
    options.precision = Precision::bf16;
    test::check_layers(layers, input, 3, options, tolerance::kStemIntegers, "products of 16-bit integers");
  };
  for (const auto target : test::highway_targets()) {
    const test::OnlyTarget only(target);
    INFO("target " << cpu::stem_kernels().target);
    check_integers({convolution(2, 96, 7, 3), kRelu, Pooling{}}, {2, 64, 64});
    check_integers({convolution(1, 96, 7, 3)}, {1, 64, 64});
    check_integers({convolution(2, 96, 4, 3), kRelu}, {2, 64, 64});
    check_integers({convolution(1, 32, 7, 1), kRelu, Pooling{}}, {1, 37, 35});
    check_integers({convolution(2, 16, 5, 2), kRelu, Pooling{}}, {2, 33, 47});
    check_integers({Convolution{.in = 1, .out = 48, .kernel = {4, 5}, .stride = {2, 1}, .bias = false}}, {1, 20, 19});
  }
}

TEST_CASE("first convolutions by Winograd's method in 16-bit integers equal the reference but for their rounding") {
  if (cpu::winograd_stems() == nullptr) {
    WARN("skipped: this processor has no products of 16-bit integers");
    return;
  }
  const auto check = [](const std::vector<Layer>& layers, Shape input, bool direct = false) {
    cpu::PlanOptions options{.size = {.batch = 2, .workers = 2}, .exact_convolutions = direct};
    options.precision = Precision::bf16;
    const auto* const step = direct ? "first convolution with pooling AVX-512 VNNI" : "by Winograd's method";
    test::check_layers(layers, input, 3, options, tolerance::kStemIntegers, step);
  };
  check({convolution(2, 96, 7, 3), kRelu, Pooling{}}, {2, 64, 64});
  check({convolution(1, 96, 7, 3), kRelu, Pooling{}}, {1, 64, 64});
  check({convolution(2, 96, 7, 3)}, {2, 64, 64});
  check({convolution(1, 32, 7, 3), kRelu}, {1, 64, 64});
  check({convolution(2, 32, 7, 3), kRelu, Pooling{}}, {2, 68, 61});  // an odd map: the last row and column fall off
  check({convolution(1, 64, 5, 2), kRelu, Pooling{}}, {1, 26, 64});  // phases of three taps and two
  check({convolution(2, 64, 4, 2)}, {2, 22, 26});                    // of two
  check({convolution(1, 32, 6, 2), kRelu, Pooling{}}, {1, 9, 31});   // of three
  check({Convolution{.in = 2, .out = 32, .kernel = {7, 7}, .stride = {3, 3}, .bias = false}}, {2, 10, 40});
  check({convolution(2, 96, 7, 3), kRelu, Pooling{}}, {2, 64, 64}, true);
}

TEST_CASE(
    "first convolutions go by Winograd's method where it takes them, and a pixel that is not finite spoils its item") {
  if (cpu::winograd_stems() == nullptr) return;
  const auto fits = [](const Convolution& layer, Shape input, bool pool = true) {
    const cpu::ConvolutionWork work{layer, input, output_shape(layer, input), {}, pool, nullptr, nullptr, {}};
    return cpu::winograd_stem_fits(work, Precision::bf16);
  };
  CHECK(fits(convolution(2, 96, 7, 3), {2, 64, 64}));
  CHECK_FALSE(fits(convolution(2, 96, 7, 3), {2, 64, 65}));         // wider than a row in registers
  CHECK_FALSE(fits(convolution(2, 96, 7, 3), {2, 64, 61}, false));  // an odd map
  CHECK_FALSE(fits(convolution(2, 96, 7, 3), {2, 64, 30}));         // narrower than the sums in registers
  CHECK_FALSE(fits(convolution(2, 48, 7, 3), {2, 64, 64}));
  CHECK_FALSE(fits(convolution(2, 96, 4, 3), {2, 64, 64}));  // phases of one tap
  CHECK_FALSE(fits(convolution(2, 96, 7, 2), {2, 64, 64}));  // of four
  CHECK_FALSE(fits(convolution(2, 96, 3, 1), {2, 20, 20}));

  const std::vector<Layer> layers{convolution(1, 32, 7, 3), kRelu, Pooling{}};
  const Model model = test::random_layers(layers, "x", 5);
  cpu::PlanOptions options{.size = {.batch = 3, .workers = 1}};
  options.precision = Precision::bf16;
  std::vector<cpu::LayerPlan> plans;
  plans.emplace_back(LayerList{&model, "x", layers}, 0, Shape{1, 64, 64}, options);
  auto workspace = cpu::make_workspace(plans);
  std::vector<float> in(3 * 4096, 0.0F);
  in[5000] = std::numeric_limits<float>::infinity();
  const float* const out = plans[0].run(0, 3, in.data(), workspace);
  const std::int64_t values = plans[0].output().size();
  const auto& bias = model.weights.at("x.0.bias").values;
  for (std::int64_t i = 0; i < values; ++i) {
    const float expected = std::max(bias[static_cast<std::size_t>(i % 32)], 0.0F);
    if (out[i] != expected || out[2 * values + i] != expected) FAIL(i << ": " << out[i]);
    if (!std::isnan(out[values + i])) FAIL(i << " is a number");
  }
}

TEST_CASE("in 16-bit integers a pixel that is not finite spoils its own item, and black ones give the bias") {
  if (cpu::paired_stems() == nullptr) return;
  const std::vector<Layer> layers{convolution(1, 16, 3, 1), kRelu};
  const Model model = test::random_layers(layers, "x", 5);
  cpu::PlanOptions options{.size = {.batch = 3, .workers = 1}};
  options.precision = Precision::bf16;
  std::vector<cpu::LayerPlan> plans;
  plans.emplace_back(LayerList{&model, "x", layers}, 0, Shape{1, 20, 20}, options);
  auto workspace = cpu::make_workspace(plans);
  std::vector<float> in(3 * 400, 0.0F);
  in[500] = std::numeric_limits<float>::quiet_NaN();
  in[1199] = 0x1p-140F;  // nearly nothing
  const float* const out = plans[0].run(0, 3, in.data(), workspace);
  const std::int64_t values = plans[0].output().size();
  const auto& bias = model.weights.at("x.0.bias").values;
  for (std::int64_t i = 0; i < values; ++i) {
    const float expected = std::max(bias[static_cast<std::size_t>(i % 16)], 0.0F);
    if (out[i] != expected || out[2 * values + i] != expected) FAIL(i << ": " << out[i]);
    if (std::isfinite(out[values + i])) FAIL(i << " is finite");
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
