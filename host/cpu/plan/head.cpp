// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/head.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <variant>

#include "twinpatch/core/checked.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch::cpu {

void apply(Squash squash, std::span<float> values) {
  if (squash == Squash::relu) {
    for (float& value : values) value = value <= 0 ? 0 : value;  // keeps what is not a number
  } else if (squash == Squash::tanh) {
    for (float& value : values) value = std::tanh(value);
  }
}

PackedLinear::PackedLinear(const float* weight, std::int64_t stride, std::int64_t out, std::int64_t in,
                           std::span<const float> bias)
    : in_(in), out_(out) {
  const std::int64_t padded = round_up(out, kernels_->panel);
  panels_.resize(static_cast<std::size_t>(checked_multiply(padded, in)));
  pack_panels(weight, stride, out, in, kernels_->panel, 1.0F, panels_.data());
  constants_.assign(static_cast<std::size_t>(padded), 0.0F);
  std::copy(bias.begin(), bias.end(), constants_.begin());
}

void PackedLinear::run(const float* input, std::int64_t input_stride, std::int64_t rows, float* output,
                       std::int64_t output_stride) const {
  alignas(64) float strip[kStripRows * kMaxPanel];
  const std::int64_t panel = kernels_->panel;
  for (std::int64_t first = 0; first < out_; first += panel) {
    kernels_->dot(input, input_stride, rows, panels_.data() + first * in_, in_, nullptr, constants_.data() + first,
                  strip);
    const std::int64_t columns = std::min(panel, out_ - first);
    for (std::int64_t i = 0; i < rows; ++i) {
      std::copy_n(strip + i * panel, columns, output + i * output_stride + first);
    }
  }
}

namespace {

Squash squash_of(const Activation& activation) {
  return activation.kind == Activation::Kind::relu ? Squash::relu : Squash::tanh;
}

/// One fully connected layer of the decision as the model holds it.
struct Dense {
  const Tensor* weight = nullptr;
  const Tensor* bias = nullptr;
  std::int64_t in = 0;
  std::int64_t out = 0;
  Squash squash = Squash::none;
};

const Tensor& tensor(const Model& model, const std::string& name) {
  const auto found = model.weights.find(name);
  if (found == model.weights.end()) {
    throw InvalidArgument(
        fmt::format("network {}: the model has no weights \"{}\"; it gives descriptors, pairs cannot "
                    "be scored with it",
                    model.spec.name, name));
  }
  return found->second;
}

std::vector<Dense> read_layers(const Model& model) {
  std::vector<Dense> result;
  const auto& layers = std::get<DecisionLayers>(model.spec.decision).layers;
  bool after_linear = false;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (const auto* linear = std::get_if<Linear>(&layers[i])) {
      const std::string name = fmt::format("decision.{}.", i);
      result.push_back(
          {&tensor(model, name + "weight"), &tensor(model, name + "bias"), linear->in, linear->out, Squash::none});
      after_linear = true;
    } else if (const auto* activation = std::get_if<Activation>(&layers[i]); activation != nullptr && after_linear) {
      result.back().squash = squash_of(*activation);
      after_linear = false;
    } else {
      throw InvalidArgument(
          fmt::format("network {}: decision layer {} ({}) is not a fully connected layer or the "
                      "activation after one, as the CPU engine needs",
                      model.spec.name, i, describe(layers[i])));
    }
  }
  if (result.empty()) throw InvalidArgument(fmt::format("network {}: the decision has no layers", model.spec.name));
  return result;
}

}  // namespace

DecisionHead read_head(const Model& model) {
  const std::vector<Dense> layers = read_layers(model);
  const Dense& first = layers.front();
  const std::int64_t half = first.in / 2;
  DecisionHead head;
  head.left = PackedLinear(first.weight->values.data(), first.in, first.out, half, first.bias->values);
  head.right = PackedLinear(first.weight->values.data() + half, first.in, first.out, half, {});
  head.squash = first.squash;
  for (std::size_t i = 1; i < layers.size(); ++i) {
    const Dense& layer = layers[i];
    head.rest.push_back(
        {PackedLinear(layer.weight->values.data(), layer.in, layer.out, layer.in, layer.bias->values), layer.squash});
  }
  if (layers.size() == 2 && head.squash == Squash::relu && layers[1].out == 1 && layers[1].squash == Squash::none) {
    head.output_weights = layers[1].weight->values;
    head.output_bias = layers[1].bias->values.at(0);
  }
  return head;
}

}  // namespace twinpatch::cpu
