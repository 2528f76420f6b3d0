// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/net/activation_bounds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <variant>

#include "twinpatch/core/error.hpp"

namespace twinpatch {
namespace {

/// The largest output of rows of weights, each beside its bias if there is one.
double bound_of_products(double input, const Tensor& weight, const Tensor* bias) {
  const std::size_t rows = weight.shape.empty() ? 0 : static_cast<std::size_t>(weight.shape.front());
  const std::size_t length = rows == 0 ? 0 : weight.values.size() / rows;
  double largest = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    double sum = 0;
    for (std::size_t i = row * length; i < (row + 1) * length; ++i) sum += std::abs(double{weight.values[i]});
    largest = std::max(largest, input * sum + (bias == nullptr ? 0 : std::abs(double{bias->values[row]})));
  }
  return largest;
}

double bound_after(const Layer& layer, const Model& model, const std::string& prefix, double input) {
  if (const auto* activation = std::get_if<Activation>(&layer)) {
    return activation->kind == Activation::Kind::tanh ? std::min(input, 1.0) : input;
  }
  const auto weight = model.weights.find(prefix + "weight");
  if (weight == model.weights.end()) return input;  // a maximum or a mean
  const auto bias = model.weights.find(prefix + "bias");
  return bound_of_products(input, weight->second, bias == model.weights.end() ? nullptr : &bias->second);
}

double checked_bound(const Layer& layer, const Model& model, const std::string& prefix, double input) {
  const double bound = bound_after(layer, model, prefix, input);
  if (bound <= kLargestActivation) return bound;
  throw InvalidArgument(fmt::format(
      "network {}: its weights are so large that the output of layer {} ({}) may reach {:.1e}, more than float32 holds",
      model.spec.name, prefix.substr(0, prefix.size() - 1), describe(layer), bound));
}

/// Of the vectors of all streams.
double bound_of_branch(const Model& model, bool right, double largest_pixel) {
  double largest = 0;
  for (std::size_t s = 0; s < model.spec.streams.size(); ++s) {
    const auto& layers = model.spec.streams[s].layers;
    double bound = largest_pixel;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      bound = checked_bound(layers[i], model, branch_prefix(model.spec, right, s, i), bound);
    }
    largest = std::max(largest, bound);
  }
  return largest;
}

}  // namespace

void check_activation_bounds(const Model& folded, double largest_pixel) {
  double bound = bound_of_branch(folded, false, largest_pixel);
  if (folded.spec.coupling == Coupling::pseudo_siamese)
    bound = std::max(bound, bound_of_branch(folded, true, largest_pixel));
  const auto* decision = std::get_if<DecisionLayers>(&folded.spec.decision);
  if (decision == nullptr || folded.descriptor_only) return;
  for (std::size_t i = 0; i < decision->layers.size(); ++i) {
    bound = checked_bound(decision->layers[i], folded, decision_prefix(i), bound);
  }
}

}  // namespace twinpatch
