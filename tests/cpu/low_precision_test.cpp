// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <catch2/catch.hpp>
#include <limits>

#include "kernels/narrow_kernels.hpp"
#include "layers_support.hpp"
#include "plan/layer_numbers.hpp"
#include "support/instruction_set.hpp"
#include "support/small_networks.hpp"
#include "twinpatch/cpu/backend.hpp"

namespace twinpatch::test {
namespace {

constexpr auto kRelu = Activation{Activation::Kind::relu};
constexpr auto kTanh = Activation{Activation::Kind::tanh};

/// False, and says so, where this processor does not have it.
bool has(Precision precision) {
  const auto here = cpu_precisions();
  if (std::find(here.begin(), here.end(), precision) != here.end()) return true;
  WARN("skipped: this processor does not compute in " << to_string(precision));
  return false;
}

/// A list's first layer is left in fp32, so these begin with an activation. Operands are exact, so the limit is fp32's.
void check_bf16(std::vector<Layer> layers, Shape input, const char* step) {
  layers.insert(layers.begin(), kRelu);
  for (const auto& [count, batch] : {std::pair{1, 1}, {1, 8}, {5, 4}, {11, 8}}) {
    INFO("count " << count << ", batch " << batch);
    const cpu::PlanOptions options{
        .size = {.batch = batch, .workers = 2}, .exact_convolutions = true, .precision = Precision::bf16};
    check_layers(layers, input, count, options, tolerance::kLayerFp32, step);
  }
}

}  // namespace

TEST_CASE("activations are rounded to bfloat16 as one number is, on every instruction set") {
  std::vector<float> values = normal_floats(1000, 3, 100);
  const float infinity = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const float special : {0.0F, -0.0F, infinity, -infinity, nan, std::numeric_limits<float>::max(),
                              std::numeric_limits<float>::denorm_min(), std::bit_cast<float>(0xffffffffU),
                              std::bit_cast<float>(0x3f808000U), std::bit_cast<float>(0x3f818000U)}) {
    values.push_back(special);
  }
  for (const std::int64_t target : highway_targets()) {
    const OnlyTarget only(target);
    for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{17}, values.size()}) {
      std::vector<std::uint16_t> got(count + 1, 0x1234);
      const float* const in = values.data() + values.size() - count;
      cpu::narrow_kernels().to_bfloat16(in, static_cast<std::int64_t>(count), got.data());
      CHECK(got.back() == 0x1234);
      for (std::size_t i = 0; i < count; ++i) {
        const bool same = std::isnan(in[i]) ? std::isnan(from_bfloat16(got[i])) : got[i] == to_bfloat16(in[i]);
        if (!same) FAIL(in[i] << " became " << from_bfloat16(got[i]));
      }
    }
  }
}

TEST_CASE("layers in bf16 lose nothing but the rounding of their operands") {
  if (!has(Precision::bf16)) return;
  check_bf16({Convolution{.in = 32, .out = 32, .kernel = {3, 3}, .padding = {1, 1}}}, {32, 9, 8}, "bf16");
  check_bf16({Convolution{.in = 8, .out = 24, .kernel = {3, 3}, .stride = {2, 2}, .padding = {1, 1}}, kRelu},
             {8, 11, 10}, "bf16");
  check_bf16({Convolution{.in = 5, .out = 7, .kernel = {5, 2}, .bias = false}, kTanh}, {5, 7, 6}, "bf16");
  check_bf16({Convolution{.in = 24, .out = 32, .kernel = {3, 3}}, kRelu}, {24, 3, 3}, "inner product");
  check_bf16({Linear{33, 7}}, {33, 1, 1}, "inner product");
}

TEST_CASE("in bf16 the layer that sees pixels and layers where Winograd's method is faster stay in fp32") {
  if (!has(Precision::bf16)) return;
  const std::vector<Layer> layers{Convolution{.in = 2, .out = 16, .kernel = {7, 7}, .stride = {3, 3}},
                                  kRelu,
                                  Pooling{},
                                  Convolution{.in = 16, .out = 32, .kernel = {5, 5}},
                                  kRelu,
                                  Pooling{},
                                  Convolution{.in = 32, .out = 16, .kernel = {3, 3}}};
  const Model model = random_layers(layers, "x", 5);
  const cpu::LayerPlan plan(LayerList{&model, "x", layers}, 0, {2, 64, 64},
                            {.size = {}, .exact_convolutions = false, .precision = Precision::bf16});
  const auto steps = plan.describe();
  REQUIRE(steps.size() == 3);
  CHECK_THAT(steps[0], Catch::StartsWith("first convolution with pooling"));
  CHECK_THAT(steps[1], Catch::StartsWith("Winograd convolution F(3×3, 5×5) with pooling"));
  CHECK_THAT(steps[2], Catch::StartsWith("oneDNN inner product"));
}

TEST_CASE("a number that is not finite does not disappear in bf16") {
  if (!has(Precision::bf16)) return;
  const std::vector<Layer> layers{kTanh, Linear{40, 3}};
  const Model model = random_layers(layers, "x", 5);
  std::vector<cpu::LayerPlan> plans;
  plans.emplace_back(
      LayerList{&model, "x", layers}, 0, Shape{40, 1, 1},
      cpu::PlanOptions{.size = {.batch = 2, .workers = 1}, .exact_convolutions = false, .precision = Precision::bf16});
  auto workspace = cpu::make_workspace(plans);
  std::vector<float> in = normal_floats(80, 4);
  in[50] = std::numeric_limits<float>::quiet_NaN();
  const float* const out = plans[0].run(0, 2, in.data(), workspace);
  CHECK(std::isfinite(out[0]));
  CHECK(std::isnan(out[3]));
}

}  // namespace twinpatch::test
