// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <limits>

#include "kernels/paired_products.hpp"
#include "kernels/paired_row_kernels.hpp"
#include "layers_support.hpp"
#include "support/instruction_set.hpp"

using namespace twinpatch;
namespace tolerance = test::tolerance;

namespace {

constexpr auto kRelu = Activation{Activation::Kind::relu};

bool has_products() {
  if (cpu::paired_products() != nullptr) return true;
  WARN("skipped: this processor has no products of 16-bit integers");
  return false;
}

}  // namespace

TEST_CASE("rows become integers of one norm, of any size, on every instruction set") {
  for (const auto target : test::highway_targets()) {
    const test::OnlyTarget only(target);
    for (const std::int64_t count : {16, 48, 1728}) {
      for (const std::int64_t rows : {0, 1, 15, 17, 33}) {
        INFO(count << " values, " << rows << " rows");
        auto values = test::normal_floats(rows * count, 3);
        for (std::int64_t i = 0; i < rows * count; ++i) {  // rows from 2⁻¹⁰⁰ to 2¹⁰⁰
          const auto exponent = static_cast<int>(i / count % 5 * 50 - 100);
          values[static_cast<std::size_t>(i)] = std::ldexp(values[static_cast<std::size_t>(i)], exponent);
        }
        std::vector<std::int16_t> integers(values.size() + 1, 77);
        std::vector<float> steps(static_cast<std::size_t>(rows) + 1, 77);
        cpu::paired_row_kernels().narrow(values.data(), rows, count, integers.data(), steps.data());
        CHECK(integers.back() == 77);
        CHECK(steps.back() == 77);
        for (std::int64_t row = 0; row < rows; ++row) {
          double norm = 0;
          for (std::int64_t i = row * count; i < (row + 1) * count; ++i) {
            const auto at = static_cast<std::size_t>(i);
            const double integer = integers[at];
            norm += integer * integer;
            const double step = steps[static_cast<std::size_t>(row)];
            if (std::abs(values[at] - step * integer) > 0.51 * step) {
              FAIL(values[at] << " became " << integers[at] << " steps of " << step);
            }
          }
          CHECK(std::sqrt(norm) == Approx(cpu::kRowNorm).margin(std::sqrt(static_cast<double>(count)) / 2 + 1));
        }
      }
    }
  }
}

TEST_CASE("rows of zeros stay zeros, and rows that are not finite have no step, beside others") {
  for (const auto target : test::highway_targets()) {
    const test::OnlyTarget only(target);
    auto values = test::normal_floats(20 * 32, 3);
    std::fill_n(values.begin() + 32, 32, 0.0F);
    values[3 * 32 + 31] = std::numeric_limits<float>::quiet_NaN();
    values[18 * 32] = -std::numeric_limits<float>::infinity();
    std::vector<std::int16_t> integers(values.size());
    std::vector<float> steps(20);
    cpu::paired_row_kernels().narrow(values.data(), 20, 32, integers.data(), steps.data());
    for (const std::size_t row : {1, 3, 18}) {
      CHECK(std::all_of(integers.begin() + row * 32, integers.begin() + row * 32 + 32, [](int i) { return i == 0; }));
    }
    for (std::size_t row = 0; row < 20; ++row) CHECK(std::isnan(steps[row]) == (row == 3 || row == 18));
  }
}

TEST_CASE("the largest rows and columns that are allowed do not overflow a sum") {
  if (!has_products()) return;
  for (const std::int64_t depth : {std::int64_t{2}, std::int64_t{96}, cpu::kMaxPairedDepth}) {
    const double root = std::sqrt(static_cast<double>(depth));
    const auto row_value = static_cast<std::int16_t>(std::min(32767.0, std::ceil(cpu::kRowNorm / root)));
    const auto column_value = static_cast<std::int16_t>(std::min(32767.0, std::ceil(cpu::kColumnNorm / root)));
    const std::vector<std::int16_t> row(static_cast<std::size_t>(depth), row_value);
    const std::vector<std::int16_t> columns(static_cast<std::size_t>(depth) * 16, column_value);
    std::vector<std::int32_t> sums(16);
    cpu::paired_products()->multiply(1, {row.data(), 1, depth, columns.data(), sums.data()});
    for (const std::int32_t sum : sums) CHECK(sum == depth * std::int64_t{row_value} * column_value);
  }
}

TEST_CASE("products of 16-bit integers are exact, for every number of rows and columns") {
  if (!has_products()) return;
  test::Random random(7);
  const auto integer = [&] { return static_cast<std::int16_t>(random.normal() * 300); };
  for (const std::int64_t vectors : {1, 2, 3, 4}) {
    const std::int64_t panel = 16 * vectors;
    for (const std::int64_t rows : {0, 1, 2, 5, 7, 11, 12, 13, 23, 25}) {
      INFO(vectors << " vectors, " << rows << " rows");
      constexpr std::int64_t kDepth = 34;
      std::vector<std::int16_t> left(static_cast<std::size_t>(rows * kDepth));
      std::vector<std::int16_t> right(static_cast<std::size_t>(panel * kDepth));
      std::generate(left.begin(), left.end(), integer);
      std::generate(right.begin(), right.end(), integer);
      std::vector<std::int32_t> sums(static_cast<std::size_t>(rows * panel) + 1, 77);
      cpu::paired_products()->multiply(vectors, {left.data(), rows, kDepth, right.data(), sums.data()});
      CHECK(sums.back() == 77);
      for (std::int64_t i = 0; i < rows; ++i) {
        for (std::int64_t j = 0; j < panel; ++j) {
          std::int32_t expected = 0;
          for (std::int64_t k = 0; k < kDepth; ++k) {
            expected += left[static_cast<std::size_t>(i * kDepth + k)] *
                        right[static_cast<std::size_t>((k / 2 * panel + j) * 2 + k % 2)];
          }
          if (sums[static_cast<std::size_t>(i * panel + j)] != expected) FAIL(i << ", " << j);
        }
      }
    }
  }
}

TEST_CASE("layers as products of 16-bit integers equal the reference but for their rounding") {
  if (!has_products()) return;
  const auto check = [](std::vector<Layer> layers, Shape input) {
    layers.insert(layers.begin(), Pooling{.window = {1, 1}, .stride = {1, 1}});  // a first layer stays as it is
    for (const auto& [count, batch] : {std::pair{1, 1}, {1, 8}, {5, 4}, {37, 32}}) {
      INFO("count " << count << ", batch " << batch);
      cpu::PlanOptions options{.size = {.batch = batch, .workers = 2}};
      options.precision = Precision::bf16;
      test::check_layers(layers, input, count, options, tolerance::kProductIntegers, "product of 16-bit integers");
    }
  };
  check({Convolution{.in = 192, .out = 256, .kernel = {3, 3}}, kRelu}, {192, 3, 3});
  check({Convolution{.in = 128, .out = 48, .kernel = {8, 8}, .bias = false}}, {128, 8, 8});
  check({Linear{48, 16}, kRelu}, {48, 1, 1});
  check({Linear{512, 96}}, {512, 1, 1});
}

TEST_CASE("in a product of 16-bit integers a number that is not finite spoils its own item and no other") {
  if (!has_products()) return;
  const std::vector<Layer> layers{kRelu, Linear{32, 16}, kRelu};
  const Model model = test::random_layers(layers, "x", 5);
  cpu::PlanOptions options{.size = {.batch = 3, .workers = 1}};
  options.precision = Precision::bf16;
  std::vector<cpu::LayerPlan> plans;
  plans.emplace_back(LayerList{&model, "x", layers}, 0, Shape{32, 1, 1}, options);
  auto workspace = cpu::make_workspace(plans);
  auto in = test::normal_floats(3 * 32, 4);
  in[40] = std::numeric_limits<float>::infinity();
  const float* const out = plans[0].run(0, 3, in.data(), workspace);
  for (std::size_t i = 0; i < 48; ++i) CHECK(std::isfinite(out[i]) == (i / 16 != 1));
}
