// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "initial_weights.hpp"

#include <fmt/format.h>

#include <cmath>
#include <variant>

#include "random.hpp"

namespace twinpatch::train {
namespace {

constexpr std::uint64_t kWeightStream = 4;

bool followed_by_relu(const std::vector<Layer>& layers, std::size_t i) {
  for (++i; i < layers.size(); ++i) {
    if (const auto* activation = std::get_if<Activation>(&layers[i])) return activation->kind == Activation::Kind::relu;
    if (std::holds_alternative<Convolution>(layers[i]) || std::holds_alternative<Linear>(layers[i])) return false;
  }
  return false;
}

double deviation(const std::vector<Layer>& layers, std::size_t i) {
  const bool relu = followed_by_relu(layers, i);
  if (const auto* c = std::get_if<Convolution>(&layers[i])) {
    const double area = double(c->kernel.height) * c->kernel.width;
    return relu ? std::sqrt(2 / (area * c->out)) : std::sqrt(1 / (area * c->in));
  }
  const auto& linear = std::get<Linear>(layers[i]);
  return std::sqrt((relu ? 2.0 : 1.0) / linear.in);
}

void fill(Model& model, const std::vector<Layer>& layers, const std::string& prefix, Random& random) {
  const auto set = [&](const std::string& name, double value) {
    if (const auto found = model.weights.find(name); found != model.weights.end())
      std::fill(found->second.values.begin(), found->second.values.end(), static_cast<float>(value));
  };
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const std::string name = fmt::format("{}.{}", prefix, i);
    if (std::holds_alternative<Convolution>(layers[i]) || std::holds_alternative<Linear>(layers[i])) {
      const double sigma = deviation(layers, i);
      for (float& value : model.weights.at(name + ".weight").values)
        value = static_cast<float>(sigma * random.normal());
      set(name + ".bias", 0);
    } else {
      set(name + ".weight", 1);
      set(name + ".bias", 0);
      set(name + ".running_mean", 0);
      set(name + ".running_var", 1);
    }
  }
}

}  // namespace

Model initial_model(const NetworkSpec& spec, std::uint64_t seed) {
  Model model;
  model.spec = spec;
  for (const WeightShape& shape : weight_shapes(spec)) {
    std::int64_t size = 1;
    for (const auto n : shape.shape) size *= n;
    model.weights[shape.name] = {shape.shape, std::vector<float>(static_cast<std::size_t>(size)), TensorType::f32};
  }
  Random random(seed, kWeightStream);
  const auto branches = spec.coupling == Coupling::pseudo_siamese ? std::vector<std::string>{"left", "right"}
                                                                  : std::vector<std::string>{"branch"};
  for (const auto& branch : branches)
    for (std::size_t i = 0; i < spec.streams.size(); ++i)
      fill(model, spec.streams[i].layers, fmt::format("{}.{}", branch, i), random);
  if (const auto* decision = std::get_if<DecisionLayers>(&spec.decision))
    fill(model, decision->layers, "decision", random);
  return model;
}

}  // namespace twinpatch::train
