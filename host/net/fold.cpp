// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <functional>
#include <variant>

#include "layers.hpp"
#include "twinpatch/net/model.hpp"

namespace twinpatch {
namespace {

/// Names the weights of layer `i` of the chain that is folded.
using Prefix = std::function<std::string(std::size_t)>;

/// y = scale · x + shift for each channel.
struct Affine {
  std::vector<double> scale;
  std::vector<double> shift;
};

Affine affine_of(const BatchNormalisation& layer, const Model& model, const std::string& prefix) {
  Affine result;
  const auto& mean = model.weights.at(prefix + "running_mean").values;
  const auto& variance = model.weights.at(prefix + "running_var").values;
  for (std::size_t c = 0; c < mean.size(); ++c) {
    const double gain = layer.affine ? model.weights.at(prefix + "weight").values[c] : 1;
    const double bias = layer.affine ? model.weights.at(prefix + "bias").values[c] : 0;
    const double scale = gain / std::sqrt(variance[c] + layer.epsilon);
    result.scale.push_back(scale);
    result.shift.push_back(bias - scale * mean[c]);
  }
  return result;
}

/// Weights "weight" [channels, …] and "bias" [channels] followed by the affine map.
void fold_into(Tensor& weight, Tensor& bias, const Affine& affine) {
  const std::size_t channels = affine.scale.size();
  const std::size_t each = weight.values.size() / channels;
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t k = c * each; k < (c + 1) * each; ++k) {
      weight.values[k] = static_cast<float>(weight.values[k] * affine.scale[c]);
    }
    bias.values[c] = static_cast<float>(bias.values[c] * affine.scale[c] + affine.shift[c]);
  }
  // Folded values are none that a narrower type was chosen for.
  weight.stored_as = bias.stored_as = TensorType::f32;
}

Tensor filled(std::size_t channels, float value) {
  return {.shape = {static_cast<std::int64_t>(channels)}, .values = std::vector<float>(channels, value)};
}

bool takes_affine(const Layer& layer) {
  return std::holds_alternative<Convolution>(layer) || std::holds_alternative<Linear>(layer) ||
         std::holds_alternative<Subsampling>(layer);
}

/// Folds one chain of layers; `prefix` names a layer's weights in the source and, by its new position, in the result.
std::vector<Layer> fold_chain(const std::vector<Layer>& layers, const Model& source, const Prefix& prefix,
                              Model& result) {
  std::vector<Layer> folded;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto* normalisation = std::get_if<BatchNormalisation>(&layers[i]);
    if (normalisation == nullptr) {
      for (const net::Field& field : net::fields(layers[i])) {
        result.weights[prefix(folded.size()) + field.name] = source.weights.at(prefix(i) + field.name);
      }
      folded.push_back(layers[i]);
      continue;
    }
    const auto channels = static_cast<std::size_t>(normalisation->channels);
    if (folded.empty() || !takes_affine(folded.back())) {
      result.weights[prefix(folded.size()) + "weight"] = filled(channels, 1);
      folded.push_back(Subsampling{normalisation->channels, {1, 1}});
    }
    const std::string target = prefix(folded.size() - 1);
    if (auto* convolution = std::get_if<Convolution>(&folded.back())) convolution->bias = true;
    Tensor& bias = result.weights.try_emplace(target + "bias", filled(channels, 0)).first->second;
    fold_into(result.weights.at(target + "weight"), bias, affine_of(*normalisation, source, prefix(i)));
  }
  return folded;
}

}  // namespace

Model fold_batch_normalisation(const Model& model) {
  check(model);
  Model result{.spec = model.spec, .weights = {}, .metadata = model.metadata, .descriptor_only = model.descriptor_only};
  for (const bool right : {false, true}) {
    if (right && model.spec.coupling != Coupling::pseudo_siamese) break;
    for (std::size_t s = 0; s < model.spec.streams.size(); ++s) {
      const Prefix prefix = [&, right, s](std::size_t i) { return branch_prefix(model.spec, right, s, i); };
      result.spec.streams[s].layers = fold_chain(model.spec.streams[s].layers, model, prefix, result);
    }
  }
  const auto* decision = std::get_if<DecisionLayers>(&model.spec.decision);
  if (decision == nullptr) return result;
  if (!model.descriptor_only) {
    result.spec.decision = DecisionLayers{fold_chain(decision->layers, model, decision_prefix, result)};
  }
  return result;
}

std::shared_ptr<const Model> fold_batch_normalisation(const std::shared_ptr<const Model>& model) {
  const auto has_one = [](const std::vector<Layer>& layers) {
    return std::any_of(layers.begin(), layers.end(),
                       [](const Layer& layer) { return std::holds_alternative<BatchNormalisation>(layer); });
  };
  const std::vector<Stream>& streams = model->spec.streams;
  const auto* decision = std::get_if<DecisionLayers>(&model->spec.decision);
  if (std::any_of(streams.begin(), streams.end(), [&](const Stream& stream) { return has_one(stream.layers); }) ||
      (decision != nullptr && has_one(decision->layers))) {
    return std::make_shared<const Model>(fold_batch_normalisation(*model));
  }
  check(*model);
  return model;
}

}  // namespace twinpatch
