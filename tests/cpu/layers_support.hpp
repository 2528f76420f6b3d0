// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include <string>
#include <vector>

#include "plan/layer_plan.hpp"
#include "support/random.hpp"
#include "support/reference.hpp"
#include "support/tolerances.hpp"
#include "twinpatch/core/half.hpp"

namespace twinpatch::test {

/// Random tensors "<prefix>.<layer>.<field>" for a list of layers.
inline Model random_layers(const std::vector<Layer>& layers, const std::string& prefix, std::uint64_t seed) {
  Model model;
  const auto add = [&](std::size_t layer, const char* field, std::vector<std::int64_t> shape, double deviation,
                       double mean = 0) {
    std::int64_t size = 1;
    for (const auto side : shape) size *= side;
    Tensor tensor{std::move(shape), normal_floats(size, ++seed, deviation)};
    for (float& value : tensor.values) value += static_cast<float>(mean);
    model.weights[fmt::format("{}.{}.{}", prefix, layer, field)] = std::move(tensor);
  };
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (const auto* conv = std::get_if<Convolution>(&layers[i])) {
      const double fan_in = static_cast<double>(conv->in) * conv->kernel.height * conv->kernel.width;
      add(i, "weight", {conv->out, conv->in, conv->kernel.height, conv->kernel.width}, std::sqrt(2 / fan_in));
      if (conv->bias) add(i, "bias", {conv->out}, 0.2);
    } else if (const auto* linear = std::get_if<Linear>(&layers[i])) {
      add(i, "weight", {linear->out, linear->in}, std::sqrt(2.0 / linear->in));
      add(i, "bias", {linear->out}, 0.2);
    } else if (const auto* norm = std::get_if<BatchNormalisation>(&layers[i])) {
      add(i, "running_mean", {norm->channels}, 0.3);
      add(i, "running_var", {norm->channels}, 0.1, 1);
      if (norm->affine) {
        add(i, "weight", {norm->channels}, 0.5);
        add(i, "bias", {norm->channels}, 0.5);
      }
    } else if (const auto* sub = std::get_if<Subsampling>(&layers[i])) {
      add(i, "weight", {sub->channels}, 0.5);
      add(i, "bias", {sub->channels}, 0.5);
    }
  }
  return model;
}

/// Operands that a precision holds, so that a layer loses nothing but in its sum.
struct Operands {
  Precision precision = Precision::fp32;
  ActivationRange range{0, 255.0F / 64};  ///< int8: of the inputs

  /// In place, of size [out, …] for weights. int8: multiples of 1/64 with the largest, 127, in every output.
  void round_weights(Tensor& tensor) const {
    if (precision == Precision::bf16) round_to_bfloat16(tensor.values);
    if (precision != Precision::int8 || tensor.shape.size() < 2) return;
    for (float& value : tensor.values) value = std::clamp(std::round(value * 256), -127.0F, 127.0F) / 64;
    const std::size_t row = tensor.values.size() / static_cast<std::size_t>(tensor.shape[0]);
    for (std::size_t i = 0; i < tensor.values.size(); i += row) tensor.values[i] = 127.0F / 64;
  }
  void round_inputs(std::span<float> values) const {
    if (precision == Precision::bf16) round_to_bfloat16(values);
    if (precision != Precision::int8) return;
    for (float& value : values) value = std::clamp(std::round(value * 64), range.low * 64, range.high * 64) / 64;
  }

 private:
  static void round_to_bfloat16(std::span<float> values) {
    for (float& value : values) value = from_bfloat16(to_bfloat16(value));
  }
};

/// Runs `count` items in batches through a plan and compares with the reference, layer after layer.
inline void check_layers(const std::vector<Layer>& layers, Shape input, std::int64_t count,
                         const cpu::PlanOptions& options, Tolerance limit, const char* expected_step = nullptr,
                         ActivationRange range = {0, 255.0F / 64}) {
  auto model = random_layers(layers, "x", 7);
  const Operands operands{options.precision, range};
  ActivationRanges ranges;
  for (std::size_t i = 0; i < layers.size(); ++i) ranges[fmt::format("x.{}", i)] = range;
  model.metadata[kActivationsKey] = to_json(ranges);
  for (auto& [name, tensor] : model.weights) operands.round_weights(tensor);
  const std::int64_t batch = options.size.batch;
  const std::vector<Layer> copy = layers;
  std::vector<cpu::LayerPlan> plans;
  plans.emplace_back(LayerList{&model, "x", copy}, 0, input, options);
  if (expected_step != nullptr) {
    bool found = false;
    for (const auto& line : plans[0].describe()) found = found || line.find(expected_step) != std::string::npos;
    INFO("steps: " << fmt::format("{}", fmt::join(plans[0].describe(), ", ")));
    CHECK(found);
  }
  auto workspace = cpu::make_workspace(plans);
  auto values = normal_floats(count * input.size(), 11);
  operands.round_inputs(values);
  std::vector<float> got;
  std::vector<double> expected;
  for (std::int64_t first = 0; first < count; first += batch) {
    const auto items = std::min(batch, count - first);
    Buffer<float> items_in(items * input.size());
    for (std::int64_t i = 0; i < items; ++i) {
      reference::Map map(input);
      for (int c = 0; c < input.channels; ++c) {
        for (int y = 0; y < input.height; ++y) {
          for (int x = 0; x < input.width; ++x) {
            const auto at = ((first + i) * input.channels + c) * input.height * input.width + y * input.width + x;
            const float value = values[static_cast<std::size_t>(at)];
            map.at(c, y, x) = value;
            const bool planar = plans[0].planar_input();
            const auto to = planar ? ((i * input.channels + c) * input.height + y) * input.width + x
                                   : ((i * input.height + y) * input.width + x) * input.channels + c;
            items_in[to] = value;
          }
        }
      }
      for (std::size_t layer = 0; layer < layers.size(); ++layer) {
        map = reference::apply(layers[layer], map, model.weights, fmt::format("x.{}.", layer));
      }
      REQUIRE(map.shape == plans[0].output());
      expected.insert(expected.end(), map.values.begin(), map.values.end());
    }
    const float* out = plans[0].run(1, items, items_in.data(), workspace);
    const auto shape = plans[0].output();
    for (std::int64_t i = 0; i < items; ++i) {
      for (int c = 0; c < shape.channels; ++c) {
        for (int y = 0; y < shape.height; ++y) {
          for (int x = 0; x < shape.width; ++x) {
            got.push_back(out[((i * shape.height + y) * shape.width + x) * shape.channels + c]);
          }
        }
      }
    }
  }
  expect_close(got, expected, limit);
}

/// In fp32, with two workers.
inline void check_layers(const std::vector<Layer>& layers, Shape input, std::int64_t count, std::int64_t batch,
                         bool exact, Tolerance limit, const char* expected_step = nullptr) {
  const cpu::PlanOptions options{.size = {.batch = batch, .workers = 2}, .exact_convolutions = exact};
  check_layers(layers, input, count, options, limit, expected_step);
}

}  // namespace twinpatch::test
