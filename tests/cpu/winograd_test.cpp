// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "kernels/paired_products.hpp"
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

template <int kOutputs, int kTaps>
void check_matrices() {
  constexpr auto& matrices = cpu::kWinograd<kOutputs, kTaps>;
  INFO("F(" << kOutputs << ", " << kTaps << ")");
  test::Random random(5);
  double data[matrices.kInputs], taps[kTaps], products[matrices.kPoints];
  for (double& value : data) value = random.normal();
  for (double& value : taps) value = random.normal();
  for (int i = 0; i < matrices.kPoints; ++i) {
    double input = 0, filter = 0;
    for (int j = 0; j < matrices.kInputs; ++j) input += matrices.input[i][j] * data[j];
    for (int j = 0; j < kTaps; ++j) filter += matrices.filter[i][j] * taps[j];
    products[i] = input * filter;
  }
  for (int i = 0; i < kOutputs; ++i) {
    double expected = 0, got = 0;
    for (int j = 0; j < kTaps; ++j) expected += taps[j] * data[i + j];
    for (int j = 0; j < matrices.kPoints; ++j) got += matrices.output[i][j] * products[j];
    CHECK(got == Approx(expected).margin(1e-12));
  }
}

TEST_CASE("Winograd's matrices give the correlation they stand for") {
  check_matrices<3, 5>();
  check_matrices<6, 5>();
  check_matrices<4, 3>();
}

TEST_CASE("Winograd 5×5 equals the reference, with and without pooling, on whole and broken tiles") {
  check({convolution(96, 48, 5), kRelu, Pooling{}}, {96, 10, 10});
  check({convolution(16, 64, 5), kRelu}, {16, 10, 13});
  check({convolution(32, 32, 5)}, {32, 15, 9});
  check({convolution(16, 16, 5, 2), kRelu, Pooling{}}, {16, 9, 11});
  check({convolution(48, 32, 5), kRelu}, {48, 7, 13});  // three outputs a side, not six
}

TEST_CASE("Winograd 3×3 equals the reference, with and without pooling, on whole and broken tiles") {
  check({convolution(96, 96, 3), kRelu}, {96, 12, 12});
  check({convolution(32, 64, 3, 1), kRelu, Pooling{}}, {32, 16, 16});
  check({convolution(16, 16, 3)}, {16, 13, 17});
}

TEST_CASE("Winograd in 16-bit integers equals the reference but for their rounding, on every instruction set") {
  if (cpu::paired_products() == nullptr) {
    WARN("skipped: this processor has no products of 16-bit integers");
    return;
  }
  const auto check_integers = [](const std::vector<Layer>& layers, Shape input) {
    for (const auto& [count, batch] : {std::pair{1, 1}, {3, 8}, {37, 32}}) {
      INFO("count " << count << ", batch " << batch);
      cpu::PlanOptions options{.size = {.batch = batch, .workers = 2}};
      options.precision = Precision::bf16;
      std::vector<Layer> all{Pooling{.window = {1, 1}, .stride = {1, 1}}};  // a first layer stays in fp32
      all.insert(all.end(), layers.begin(), layers.end());
      check_layers(all, input, count, options, tolerance::kWinogradIntegers, "products of 16-bit integers");
    }
  };
  for (const auto target : test::highway_targets()) {
    const test::OnlyTarget only(target);
    INFO("target " << cpu::winograd_kernels().target);
    if (cpu::winograd_kernels().panel(32) % cpu::kPairedLanes != 0) continue;
    check_integers({convolution(96, 48, 5), kRelu, Pooling{}}, {96, 10, 10});
    check_integers({convolution(16, 64, 5), kRelu}, {16, 10, 13});
    check_integers({convolution(32, 32, 5)}, {32, 15, 9});
    check_integers({convolution(16, 16, 5, 2), kRelu, Pooling{}}, {16, 9, 11});
    check_integers({convolution(48, 32, 5), kRelu}, {48, 7, 13});
    check_integers({convolution(96, 96, 3), kRelu}, {96, 12, 12});
    check_integers({convolution(32, 128, 3, 1), kRelu, Pooling{}}, {32, 16, 16});
    check_integers({convolution(16, 16, 3)}, {16, 13, 17});
  }
}

namespace {

/// One layer 5×5 in 16-bit integers, with ReLU and no bias, on items of 16 channels of 9 × 9.
struct IntegerLayer {
  IntegerLayer() {
    options.precision = Precision::bf16;
    plans.emplace_back(LayerList{&model, "x", layers}, 0, input, options);
    workspace = cpu::make_workspace(plans);
  }
  std::vector<float> run(const std::vector<float>& in) {
    const float* const out = plans[0].run(0, std::ssize(in) / input.size(), in.data(), workspace);
    return {out, out + std::ssize(in) / input.size() * plans[0].output().size()};
  }
  Shape input{16, 9, 9};
  std::vector<Layer> layers{Pooling{.kind = Pooling::Kind::average, .window = {1, 1}, .stride = {1, 1}},
                            Convolution{.in = 16, .out = 32, .kernel = {5, 5}, .bias = false}, kRelu};
  Model model = test::random_layers(layers, "x", 5);
  cpu::PlanOptions options{.size = {.batch = 4, .workers = 1}};
  std::vector<cpu::LayerPlan> plans;
  cpu::Workspace workspace;
};

}  // namespace

TEST_CASE("rows of any size become integers that keep their direction, and what is not finite spoils its own item") {
  if (cpu::paired_products() == nullptr) return;
  IntegerLayer layer;
  const auto of_item = static_cast<std::size_t>(layer.input.size());
  const std::vector<float> in = test::normal_floats(layer.input.size(), 4);
  SECTION("scaled by powers of two, up to where squares overflow and vanish") {
    const std::vector<float> expected = layer.run(in);
    for (const float scale : {0x1p-100F, 0x1p-60F, 0x1p60F, 0x1p100F}) {
      INFO(scale);
      std::vector<float> scaled = in;
      for (float& value : scaled) value *= scale;
      const std::vector<float> got = layer.run(scaled);
      for (std::size_t i = 0; i < got.size(); ++i)
        CHECK(got[i] / scale == Approx(expected[i]).epsilon(1e-3).margin(1e-3));
    }
  }
  SECTION("zeros") {
    for (const float value : layer.run(std::vector<float>(of_item))) CHECK(value == 0);
  }
  SECTION("not finite") {
    for (const float wrong : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
      std::vector<float> three(3 * of_item, 0.5F);
      three[of_item + 700] = wrong;
      const std::vector<float> out = layer.run(three);
      const std::size_t values = out.size() / 3;
      for (std::size_t i = 0; i < out.size(); ++i) {
        if (std::isfinite(out[i]) == (i / values == 1)) FAIL(i << " is " << out[i]);
      }
    }
  }
}

TEST_CASE("Winograd is taken where it pays and only there") {
  const auto fits = [](const Convolution& layer, Shape input) {
    return cpu::winograd_fits(layer, output_shape(layer, input));
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
