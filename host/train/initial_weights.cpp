// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "initial_weights.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <variant>
#include <vector>

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

/// Where each tensor stands, by the layers with weights before it in its stream ("branch.0 2 weight"): what has none,
/// such as a pooling that one of two networks lacks, does not count.
std::map<std::string, std::string> places(const Model& model) {
  std::map<std::string, std::string> all;
  std::map<std::string, int> layers;
  std::string last;
  for (const WeightShape& shape : weight_shapes(model.spec, model.descriptor_only)) {
    const auto kind = shape.name.rfind('.');
    const std::string layer = shape.name.substr(0, kind);
    const std::string stream = layer.substr(0, layer.rfind('.'));
    if (layer != last) ++layers[stream];
    last = layer;
    all[shape.name] = fmt::format("{} {} {}", stream, layers[stream], shape.name.substr(kind + 1));
  }
  return all;
}

/// The places of another network that may fill this one: a tower of two fills the one that is shared, and that both.
std::vector<std::string> sources(const std::string& place) {
  const auto rest = place.find('.');
  const std::string part = place.substr(0, rest);
  if (part == "branch") return {place, "left" + place.substr(rest)};
  if (part == "left" || part == "right") return {place, "branch" + place.substr(rest)};
  return {place};
}

}  // namespace

std::size_t take_weights(Model& model, const Model& other) {
  std::map<std::string, const Tensor*> given;
  for (const auto& [name, place] : places(other)) given[place] = &other.weights.at(name);
  std::size_t taken = 0;
  for (const auto& [name, place] : places(model)) {
    Tensor& tensor = model.weights.at(name);
    for (const std::string& source : sources(place)) {
      const auto found = given.find(source);
      if (found == given.end() || found->second->shape != tensor.shape) continue;
      tensor.values = found->second->values;
      ++taken;
      break;
    }
  }
  return taken;
}

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
