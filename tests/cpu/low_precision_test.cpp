// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <catch2/catch.hpp>
#include <limits>

#include "kernels/narrow_kernels.hpp"
#include "kernels/pixel_kernels.hpp"
#include "layers_support.hpp"
#include "plan/layer_numbers.hpp"
#include "support/backend_rig.hpp"
#include "support/instruction_set.hpp"
#include "support/small_networks.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/cpu/backend.hpp"
#include "twinpatch/cpu/calibrate.hpp"

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

/// A list's first layer is left in fp32, so these begin with one that changes nothing. Operands are exact, so the limit
/// is fp32's.
void check_exact(Precision precision, std::vector<Layer> layers, Shape input, const char* step,
                 ActivationRange range = {0, 255.0F / 64}) {
  layers.insert(layers.begin(), Pooling{.window = {1, 1}, .stride = {1, 1}});
  for (const auto& [count, batch] : {std::pair{1, 1}, {1, 8}, {5, 4}, {11, 8}}) {
    INFO("count " << count << ", batch " << batch);
    cpu::PlanOptions options{.size = {.batch = batch, .workers = 2}, .exact_convolutions = true};
    options.precision = precision;
    check_layers(layers, input, count, options, tolerance::kLayerFp32, step, range);
  }
}

/// Every kind of layer that multiplies.
void check_layers_exactly(Precision precision, const char* convolution, ActivationRange range = {0, 255.0F / 64}) {
  check_exact(precision, {Convolution{.in = 32, .out = 32, .kernel = {3, 3}, .padding = {1, 1}}}, {32, 9, 8},
              convolution, range);
  check_exact(precision,
              {Convolution{.in = 8, .out = 24, .kernel = {3, 3}, .stride = {2, 2}, .padding = {1, 1}}, kRelu},
              {8, 11, 10}, convolution, range);
  check_exact(precision, {Convolution{.in = 5, .out = 7, .kernel = {5, 2}, .bias = false}, kTanh}, {5, 7, 6},
              convolution, range);
  check_exact(precision, {Convolution{.in = 24, .out = 32, .kernel = {3, 3}}, kRelu}, {24, 3, 3}, "inner product",
              range);
  check_exact(precision, {Linear{33, 7}}, {33, 1, 1}, "inner product", range);
}

/// One layer of 40 inputs and 3 outputs, calibrated for inputs of 0 to 1.
struct OneLayer {
  explicit OneLayer(Precision precision) {
    model.metadata[kActivationsKey] = R"({"x.1": [0, 1]})";
    cpu::PlanOptions options{.size = {.batch = 2, .workers = 1}};
    options.precision = precision;
    options.saturation = &saturation;
    plans.emplace_back(LayerList{&model, "x", layers}, 0, Shape{40, 1, 1}, options);
    workspace = cpu::make_workspace(plans);
  }
  const float* run(const std::vector<float>& in) { return plans[0].run(0, 2, in.data(), workspace); }

  std::vector<Layer> layers{kRelu, Linear{40, 3}};
  Model model = random_layers(layers, "x", 5);
  cpu::SaturationTotals saturation;
  std::vector<cpu::LayerPlan> plans;
  cpu::Workspace workspace;
};

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

TEST_CASE("activations become the nearest integers, on every instruction set, and what is lost is counted") {
  std::vector<float> values = normal_floats(1000, 3, 40);
  for (const cpu::NarrowRange range : {cpu::NarrowRange{2, 0, 255}, cpu::NarrowRange{3, -127, 127}}) {
    for (const std::int64_t target : highway_targets()) {
      const OnlyTarget only(target);
      for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{17}, values.size()}) {
        std::vector<std::uint8_t> got(count + 1, 0x5a);
        const auto losses =
            cpu::narrow_kernels().to_integers(values.data(), static_cast<std::int64_t>(count), range, got.data());
        CHECK(got.back() == 0x5a);
        std::int64_t saturated = 0;
        for (std::size_t i = 0; i < count; ++i) {
          const float scaled = values[i] * range.factor;
          const auto low = static_cast<float>(range.low);
          const auto high = static_cast<float>(range.high);
          saturated += scaled > high + 0.5F || scaled < low - 0.5F ? 1 : 0;
          const float expected = std::nearbyint(std::clamp(scaled, low, high));
          const float found = range.low < 0 ? static_cast<float>(static_cast<std::int8_t>(got[i])) : got[i];
          if (found != expected) FAIL(values[i] << " became " << found << ", expected " << expected);
        }
        CHECK(losses.saturated == saturated);
        CHECK(!losses.not_finite);
      }
    }
  }
  for (const float wrong : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    for (const std::size_t at : {std::size_t{3}, values.size() - 1}) {
      std::vector<float> changed = values;
      changed[at] = wrong;
      std::vector<std::uint8_t> got(values.size());
      CHECK(cpu::narrow_kernels().to_integers(changed.data(), std::ssize(changed), {1, 0, 255}, got.data()).not_finite);
    }
  }
}

TEST_CASE("pixels become pairs of integers, and their largest magnitude is found, on every instruction set") {
  const std::vector<float> values = normal_floats(1000, 8, 100);
  for (const std::int64_t target : highway_targets()) {
    const OnlyTarget only(target);
    for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{17}, std::size_t{500}}) {
      std::vector<std::int32_t> got(count + 1, 0x1234);
      const float* const low = values.data() + values.size() - count;
      const auto size = static_cast<std::int64_t>(count);
      cpu::narrow_kernels().to_pairs(low, values.data(), size, 7.5F, got.data());
      CHECK(got.back() == 0x1234);
      float largest = 0;
      for (std::size_t i = 0; i < count; ++i) {
        largest = std::max(largest, std::abs(low[i]));
        const auto lower = static_cast<std::int16_t>(got[i] & 0xffff);
        const auto upper = static_cast<std::int16_t>(got[i] >> 16);
        const bool same = lower == std::nearbyint(low[i] * 7.5F) && upper == std::nearbyint(values[i] * 7.5F);
        if (!same) FAIL(low[i] << " and " << values[i] << " became " << lower << " and " << upper);
      }
      CHECK(cpu::narrow_kernels().largest(low, size) == largest);
      for (const float wrong : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
        std::vector<float> changed(low, low + count);
        changed.push_back(wrong);
        CHECK(std::isnan(cpu::narrow_kernels().largest(changed.data(), size + 1)));
      }
    }
  }
}

TEST_CASE("halves in integers are joined as their numbers are, on every instruction set") {
  for (const std::int64_t target : highway_targets()) {
    const OnlyTarget only(target);
    for (const cpu::MapSize size : {cpu::MapSize{2, 2, 1}, {4, 6, 17}, {5, 3, 32}, {1, 4, 16}}) {
      const auto count = size.height * size.width * size.channels;
      const std::vector<float> left = normal_floats(count, 8, 100);
      const std::vector<float> right = normal_floats(count, 9, 100);
      const auto in_steps = [&](const std::vector<float>& values, float step) {
        std::vector<std::int16_t> integers(values.size() + 1, 77);
        cpu::narrow_kernels().to_shorts(values.data(), count, 1 / step, integers.data());
        CHECK(integers.back() == 77);
        return integers;
      };
      const auto left_integers = in_steps(left, 0.03125F);
      const auto right_integers = in_steps(right, 0.0625F);
      std::vector<float> rounded_left;
      std::vector<float> rounded_right;
      for (std::size_t i = 0; i < left.size(); ++i) {
        rounded_left.push_back(static_cast<float>(left_integers[i]) * 0.03125F);
        rounded_right.push_back(static_cast<float>(right_integers[i]) * 0.0625F);
        if (std::abs(rounded_left[i] - left[i]) > 0.0157F || std::abs(rounded_right[i] - right[i]) > 0.0313F) FAIL(i);
      }
      std::vector<float> expected(static_cast<std::size_t>(size.height / 2 * (size.width / 2) * size.channels) + 1, 7);
      std::vector<float> got = expected;
      cpu::pixel_kernels().join_pooled(rounded_left.data(), rounded_right.data(), size, expected.data());
      cpu::pixel_kernels().join_pooled_integers({left_integers.data(), 0.03125F}, {right_integers.data(), 0.0625F},
                                                size, got.data());
      CHECK(got.back() == 7);
      for (std::size_t i = 0; i < got.size(); ++i) {  // left ones are rounded to the right ones' step
        if (std::abs(got[i] - expected[i]) > 0.03125F) FAIL(i << ": " << got[i] << ", expected " << expected[i]);
      }
      cpu::pixel_kernels().join_pooled(rounded_right.data(), rounded_right.data(), size, expected.data());
      cpu::pixel_kernels().join_pooled_integers({right_integers.data(), 0.0625F}, {right_integers.data(), 0.0625F},
                                                size, got.data());
      for (std::size_t i = 0; i < got.size(); ++i) {  // 32767 / 2¹⁵ is nearly 1
        if (std::abs(got[i] - expected[i]) > 0.0625F) FAIL(i << ": " << got[i] << ", expected " << expected[i]);
      }
    }
  }
}

TEST_CASE("layers in bf16 lose nothing but the rounding of their operands") {
  if (has(Precision::bf16)) check_layers_exactly(Precision::bf16, "bf16");
}

TEST_CASE("layers in int8 lose nothing but the rounding of their operands, of either sign") {
  if (!has(Precision::int8)) return;
  check_layers_exactly(Precision::int8, "convolution");
  check_layers_exactly(Precision::int8, "convolution", {-127.0F / 64, 100.0F / 64});
}

TEST_CASE("in bf16 the layer that sees pixels stays in fp32 and Winograd's method has products of integers") {
  if (!has(Precision::bf16)) return;
  const std::vector<Layer> layers{Convolution{.in = 2, .out = 16, .kernel = {7, 7}, .stride = {3, 3}},
                                  kRelu,
                                  Pooling{},
                                  Convolution{.in = 16, .out = 32, .kernel = {5, 5}},
                                  kRelu,
                                  Pooling{},
                                  Convolution{.in = 32, .out = 16, .kernel = {3, 3}}};
  const Model model = random_layers(layers, "x", 5);
  cpu::PlanOptions options;
  options.precision = Precision::bf16;
  const cpu::LayerPlan plan(LayerList{&model, "x", layers}, 0, {2, 64, 64}, options);
  const auto steps = plan.describe();
  REQUIRE(steps.size() == 3);
  CHECK_THAT(steps[0], Catch::StartsWith("first convolution with pooling"));
  CHECK_THAT(steps[1], Catch::StartsWith("Winograd convolution F(6×6, 5×5) with pooling") &&
                           Catch::EndsWith("products of 16-bit integers"));
  CHECK_THAT(steps[2], Catch::StartsWith("product of 16-bit integers"));
}

TEST_CASE("a number that is not finite spoils its own item and no other") {
  for (const Precision precision : {Precision::bf16, Precision::int8}) {
    if (!has(precision)) continue;
    OneLayer layer(precision);
    std::vector<float> in = normal_floats(80, 4);
    in[50] = std::numeric_limits<float>::infinity();
    const float* const out = layer.run(in);
    CHECK((std::isfinite(out[0]) && std::isfinite(out[2])));
    CHECK((!std::isfinite(out[3]) && !std::isfinite(out[5])));
  }
}

TEST_CASE("int8 counts the activations that its calibration did not foresee") {
  if (!has(Precision::int8)) return;
  OneLayer layer(Precision::int8);
  std::vector<float> in(80, 0.5F);
  (void)layer.run(in);
  CHECK(layer.saturation.values == 80);
  CHECK(layer.saturation.saturated == 0);
  in[7] = 1.1F;
  in[60] = 1.001F;  // less than half a step beyond
  (void)layer.run(in);
  CHECK(layer.saturation.values == 160);
  CHECK(layer.saturation.saturated == 1);
}

TEST_CASE("int8 is refused for a model that was not calibrated, and for ranges that are none") {
  const std::vector<Layer> layers{kRelu, Linear{40, 3}};
  Model model = random_layers(layers, "x", 5);
  model.spec.name = "mine";
  cpu::PlanOptions options;
  options.precision = Precision::int8;
  const auto plan = [&] { return cpu::LayerPlan(LayerList{&model, "x", layers}, 0, {40, 1, 1}, options); };
  CHECK_THROWS_WITH(plan(),
                    "int8 needs the range of what goes into layer x.1, and mine was not calibrated: twinpatch model "
                    "quantize");
  for (const char* wrong :
       {"[]", "{\"x.1\": 3}", "{\"x.1\": [1]}", "{\"x.1\": [2, 1]}", "{\"x.1\": [0, 1e300]}", "{"}) {
    model.metadata[kActivationsKey] = wrong;
    CHECK_THROWS_AS(plan(), FormatError);
  }
}

TEST_CASE("calibration finds the ranges of layers' inputs, and they survive as text") {
  for (const char* name : {"siam", "2ch-2stream", "pseudo-siam", "hard128"}) {
    INFO(name);
    const auto model = shared_model(network(name));
    const Patches patches(4, {64, 64}, 3);
    const std::vector<IndexPair> pairs{{0, 1}, {2, 3}, {1, 1}};
    const ActivationRanges ranges = calibrate(model, patches.view, pairs);
    CHECK(!ranges.empty());
    Model calibrated = *model;
    calibrated.metadata[kActivationsKey] = to_json(ranges);
    CHECK(activation_ranges(calibrated) == ranges);
    CHECK(model_hash(calibrated) != model_hash(*model));
    for (const auto& [layer, range] : ranges) {
      INFO(layer);
      CHECK(range.low >= 0);  // after a ReLU or the maximum of some
      CHECK(range.high > 0);
      CHECK(range.high < 100);
    }
    CHECK_THROWS_AS(calibrate(model, Patches(2, {32, 32}, 3).view, pairs), ShapeError);
    CHECK_THROWS_WITH(calibrate(model, patches.view.slice(0, 0), pairs), "the calibration set has no patches");
  }
  const Patches patches(1, {64, 64}, 3);
  CHECK_THROWS_WITH(calibrate(shared_model(network("2ch")), patches.view, {}), "the calibration set has no pairs");
}

TEST_CASE("networks in int8 give the reference's scores but for what 8 bits lose") {
  if (!has(Precision::int8)) return;
  for (const char* name : {"2ch", "siam", "siam-l2", "2ch-2stream", "chopra-2005", "siam-spp", "hard128", "tfeat"}) {
    INFO(name);
    const NetworkSpec& spec = network(name);
    const auto random = shared_model(spec, 9);
    const Patches left(1, spec.input.value_or(Extent{64, 64}), 24);
    const Patches right(3, spec.input.value_or(Extent{64, 64}), 25);
    Model calibrated = *random;
    ActivationRanges ranges = calibrate(random, left.view, std::vector<IndexPair>{{0, 0}});
    for (const auto& [layer, range] : calibrate(random, right.view, std::vector<IndexPair>{{0, 1}, {2, 0}})) {
      ranges[layer].low = std::min(ranges[layer].low, range.low);
      ranges[layer].high = std::max(ranges[layer].high, range.high);
    }
    calibrated.metadata[kActivationsKey] = to_json(ranges);
    for (const bool exact : {false, true}) {
      ExecutionOptions options = cpu_options();
      options.precision = Precision::int8;
      options.exact_convolutions = exact;
      const Rig rig = cpu_rig(std::make_shared<const Model>(calibrated), options);
      const auto expected = reference::scores(*random, left.view, right.view);
      expect_close(rig.list(left.view, right.view), expected, tolerance::kCpuInt8);
      expect_close(rig.block(left.view, right.view), expected, tolerance::kCpuInt8);
    }
  }
}

}  // namespace twinpatch::test
