// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "torch_network.hpp"

#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "autocast.hpp"
#include "pair_head.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch::train {
namespace {

constexpr double kNormEpsilon = 1e-12;      // as the reference: v / max(‖v‖, ε)
constexpr double kDistanceEpsilon = 1e-12;  // keeps the gradient of a square root finite at 0

bool is_relu(const Layer& layer) {
  const auto* activation = std::get_if<Activation>(&layer);
  return activation != nullptr && activation->kind == Activation::Kind::relu;
}

bool is_max_pool(const Layer& layer) {
  const auto* pooling = std::get_if<Pooling>(&layer);
  return pooling != nullptr && pooling->kind == Pooling::Kind::max;
}

bool has_weights(const Layer& layer) {
  return std::holds_alternative<Convolution>(layer) || std::holds_alternative<Linear>(layer);
}

std::array<std::int64_t, 2> pair(Extent extent) { return {extent.height, extent.width}; }

at::Tensor view_of(const at::Tensor& patch, const StreamView& view) {
  const std::int64_t height = patch.size(2);
  const std::int64_t width = patch.size(3);
  switch (view.kind) {
    case StreamView::Kind::whole:
      return patch;
    case StreamView::Kind::central_crop:
      return patch.narrow(2, height / 4, height / 2).narrow(3, width / 4, width / 2);
    case StreamView::Kind::surround_average:
      return at::avg_pool2d(patch, 2);
  }
  throw InvalidArgument("unknown stream view");
}

at::Tensor normalised(const at::Tensor& vectors) {
  return vectors / vectors.square().sum(1, true).clamp_min(kNormEpsilon * kNormEpsilon).sqrt();
}

}  // namespace

at::Tensor as_tensor(PatchView patches) {
  const auto type = patches.type == PixelType::u8 ? at::kByte : at::kFloat;
  // from_blob wants a mutable pointer; nothing here writes through it.
  return at::from_blob(const_cast<void*>(patches.pixels), {patches.count, patches.height, patches.width}, type);
}

at::Tensor fast_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const auto as_image = [](const at::Tensor& t) { return t.reshape({t.size(0), t.size(1), 1, 1}); };
  return at::conv2d(as_image(x), as_image(weight), bias).reshape({x.size(0), weight.size(0)});
}

TorchNetwork::TorchNetwork(const Model& model, at::Device device) : spec_(model.spec), device_(device) {
  check(model);
  for (const auto& [name, tensor] : model.weights) {
    auto values = at::empty(tensor.shape, at::kFloat);
    std::copy(tensor.values.begin(), tensor.values.end(), values.data_ptr<float>());
    if (values.dim() == 4) values = values.contiguous(at::MemoryFormat::ChannelsLast);
    weights_[name] = values.to(device_);
  }
  for (const auto& name : trainable()) weights_[name].set_requires_grad(true);
}

std::vector<std::string> TorchNetwork::trainable() const {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : weights_)
    if (name.find(".running_") == std::string::npos) names.push_back(name);
  return names;
}

const at::Tensor& TorchNetwork::weight(const std::string& name) const {
  const auto found = weights_.find(name);
  if (found == weights_.end()) throw ShapeError(fmt::format("{} has no weights {}", spec_.name, name));
  return found->second;
}

std::map<std::string, Tensor> TorchNetwork::save() const {
  std::map<std::string, Tensor> saved;
  for (const auto& [name, tensor] : weights_) {
    const auto values = tensor.detach().to(at::kCPU).contiguous(at::MemoryFormat::Contiguous);
    const float* begin = values.data_ptr<float>();
    saved[name] = Tensor{values.sizes().vec(), std::vector<float>(begin, begin + values.numel()), TensorType::f32};
  }
  return saved;
}

void TorchNetwork::load(const std::map<std::string, Tensor>& weights) {
  const c10::NoGradGuard no_gradient;
  for (auto& [name, tensor] : weights_) {
    const auto found = weights.find(name);
    if (found == weights.end()) throw ShapeError(fmt::format("no weights {} to load", name));
    if (tensor.sizes().vec() != found->second.shape)
      throw ShapeError(fmt::format("weights {} are of another shape", name));
    auto values = at::empty(found->second.shape, at::kFloat);
    std::copy(found->second.values.begin(), found->second.values.end(), values.data_ptr<float>());
    tensor.copy_(values);
  }
}

at::Tensor TorchNetwork::normalise(const at::Tensor& patches) const {
  if (patches.scalar_type() == at::kFloat) return patches.to(device_).unsqueeze(1);
  const auto& rule = spec_.normalisation;
  auto x = patches.to(device_).to(at::kFloat).flatten(1) * rule.scale;
  if (rule.subtract_mean || rule.divide_deviation) {
    const auto mean = x.mean(1, true);
    const auto centred = x - mean;
    if (rule.subtract_mean) x = centred;
    const auto freedom = std::max<std::int64_t>(1, x.size(1) - (rule.unbiased_deviation ? 1 : 0));
    const auto variance = centred.square().sum(1, true) / freedom;
    if (rule.divide_deviation) x = x / (variance + rule.deviation_epsilon).sqrt();
  }
  return x.reshape({patches.size(0), 1, patches.size(1), patches.size(2)});
}

at::Tensor TorchNetwork::run_layer(const at::Tensor& x, const Layer& layer, const std::string& name,
                                   bool may_overwrite) const {
  struct Run {
    const TorchNetwork& net;
    const at::Tensor& x;
    const std::string& name;
    bool may_overwrite;

    at::Tensor operator()(const Convolution& c) const {
      const auto bias = c.bias ? net.weight(name + ".bias") : at::Tensor();
      return at::conv2d(x, net.weight(name + ".weight"), bias, pair(c.stride), pair(c.padding));
    }
    at::Tensor operator()(const BatchNormalisation& b) const {
      const auto scale = b.affine ? net.weight(name + ".weight") : at::Tensor();
      const auto shift = b.affine ? net.weight(name + ".bias") : at::Tensor();
      return at::batch_norm(x, scale, shift, net.weight(name + ".running_mean"), net.weight(name + ".running_var"),
                            net.training_, 0.1, b.epsilon, false);
    }
    at::Tensor operator()(const Pooling& p) const {
      if (p.kind == Pooling::Kind::max)
        return at::max_pool2d(x, pair(p.window), pair(p.stride), {0, 0}, {1, 1}, p.ceil);
      return at::avg_pool2d(x, pair(p.window), pair(p.stride), {0, 0}, p.ceil, false);
    }
    at::Tensor operator()(const Subsampling& s) const {
      const auto mean = at::avg_pool2d(x, pair(s.window), pair(s.window));
      return mean * net.weight(name + ".weight").view({1, -1, 1, 1}) + net.weight(name + ".bias").view({1, -1, 1, 1});
    }
    at::Tensor operator()(const SpatialPyramid& s) const {
      std::vector<at::Tensor> levels;
      for (const int level : s.levels)
        levels.push_back(std::get<0>(at::adaptive_max_pool2d(x, {level, level})).flatten(1));
      return at::cat(levels, 1).unsqueeze(2).unsqueeze(3);
    }
    at::Tensor operator()(const Linear&) const {
      const auto y = fast_linear(x.flatten(1), net.weight(name + ".weight"), net.weight(name + ".bias"));
      return y.unsqueeze(2).unsqueeze(3);
    }
    at::Tensor operator()(const Activation& a) const {
      if (a.kind == Activation::Kind::tanh) return at::tanh(x);
      if (!may_overwrite) return at::relu(x);
      auto y = x;
      return at::relu_(y);
    }
  };
  return std::visit(Run{*this, x, name, may_overwrite}, layer);
}

at::Tensor TorchNetwork::run_layers(at::Tensor x, const std::vector<Layer>& layers, const std::string& prefix,
                                    std::size_t first) const {
  for (std::size_t i = first; i < layers.size(); ++i) {
    // ReLU and max pooling commute, values and gradients alike: pooling first leaves a quarter of the work.
    if (is_relu(layers[i]) && i + 1 < layers.size() && is_max_pool(layers[i + 1])) {
      x = run_layer(x, layers[i + 1], fmt::format("{}.{}", prefix, i + 1), false);
      x = run_layer(x, layers[i], fmt::format("{}.{}", prefix, i), true);
      ++i;
      continue;
    }
    const bool may_overwrite = i > first && has_weights(layers[i - 1]);
    x = run_layer(x, layers[i], fmt::format("{}.{}", prefix, i), may_overwrite);
  }
  return x;
}

at::Tensor TorchNetwork::branch(const at::Tensor& input, const std::string& name) const {
  std::optional<Autocast> autocast;
  if (bf16_ && training_) autocast.emplace(device_);
  std::vector<at::Tensor> parts;
  for (std::size_t i = 0; i < spec_.streams.size(); ++i) {
    const auto seen = view_of(input, spec_.streams[i].view).contiguous(at::MemoryFormat::ChannelsLast);
    parts.push_back(run_layers(seen, spec_.streams[i].layers, fmt::format("{}.{}", name, i)).flatten(1));
  }
  return (parts.size() == 1 ? parts.front() : at::cat(parts, 1)).to(at::kFloat);
}

at::Tensor TorchNetwork::vectors(const at::Tensor& patches, Side side) const {
  if (spec_.coupling == Coupling::two_channel)
    throw InvalidArgument(
        fmt::format("{} takes two patches at once: it has no descriptor of a single patch", spec_.name));
  if (spec_.coupling == Coupling::siamese) return branch(patches, "branch");
  return branch(patches, side == Side::left ? "left" : "right");
}

TorchNetwork::VectorPair TorchNetwork::vectors(const at::Tensor& left, const at::Tensor& right) const {
  if (spec_.coupling != Coupling::siamese) return {vectors(left, Side::left), vectors(right, Side::right)};
  const auto both = vectors(at::cat({left, right}), Side::left);
  return {both.narrow(0, 0, left.size(0)), both.narrow(0, left.size(0), right.size(0))};
}

at::Tensor TorchNetwork::vector_scores(const at::Tensor& left, const at::Tensor& right) const {
  if (const auto* layers = std::get_if<DecisionLayers>(&spec_.decision)) {
    const auto both = at::cat({left, right}, 1).unsqueeze(2).unsqueeze(3);
    return run_layers(both, layers->layers, "decision").flatten();
  }
  const auto& metric = std::get<DecisionMetric>(spec_.decision);
  const bool cosine = metric.kind == DecisionMetric::Kind::cosine;
  const auto a = metric.normalise || cosine ? normalised(left) : left;
  const auto b = metric.normalise || cosine ? normalised(right) : right;
  if (cosine) return (a * b).sum(1);
  if (metric.kind == DecisionMetric::Kind::l1) return -(a - b).abs().sum(1);
  return -(a - b).square().sum(1).clamp_min(kDistanceEpsilon).sqrt();
}

at::Tensor TorchNetwork::grid_scores(const at::Tensor& left, const at::Tensor& right) const {
  if (const auto* layers = std::get_if<DecisionLayers>(&spec_.decision)) return decision_grid(*layers, left, right);
  const auto& metric = std::get<DecisionMetric>(spec_.decision);
  const bool cosine = metric.kind == DecisionMetric::Kind::cosine;
  const auto a = metric.normalise || cosine ? normalised(left) : left;
  const auto b = metric.normalise || cosine ? normalised(right) : right;
  if (metric.kind == DecisionMetric::Kind::l1) return -(a.unsqueeze(1) - b.unsqueeze(0)).abs().sum(2);
  const auto products = fast_linear(a, b, at::Tensor());
  if (cosine) return products;
  const auto squares = a.square().sum(1, true) + b.square().sum(1).unsqueeze(0) - 2 * products;
  return -squares.clamp_min(kDistanceEpsilon).sqrt();
}

at::Tensor TorchNetwork::decision_grid(const DecisionLayers& decision, const at::Tensor& left,
                                       const at::Tensor& right) const {
  const auto& layers = decision.layers;
  const auto* first = layers.empty() ? nullptr : std::get_if<Linear>(&layers.front());
  if (first == nullptr) throw InvalidArgument("the grid of a decision part needs a linear layer at its start");
  // W·[a;b] = W₁a + W₂b: P and Q once per patch (docs/networks.md).
  const auto& w = weight("decision.0.weight");
  const auto p = fast_linear(left, w.narrow(1, 0, left.size(1)), weight("decision.0.bias"));
  const auto q = fast_linear(right, w.narrow(1, left.size(1), right.size(1)), at::Tensor());
  const bool plain = layers.size() == 3 && is_relu(layers[1]) && std::holds_alternative<Linear>(layers[2]);
  if (plain && !device_.is_cuda()) return pair_head(p, q, weight("decision.2.weight"), weight("decision.2.bias"));
  const auto sums = (p.unsqueeze(1) + q.unsqueeze(0)).reshape({p.size(0) * q.size(0), p.size(1), 1, 1});
  return run_layers(sums, layers, "decision", 1).reshape({p.size(0), q.size(0)});
}

at::Tensor TorchNetwork::pair_scores(const at::Tensor& left, const at::Tensor& right) const {
  if (spec_.coupling != Coupling::two_channel) {
    const auto both = vectors(left, right);
    return vector_scores(both.left, both.right);
  }
  const auto vector = branch(at::cat({left, right}, 1), "branch");
  const auto& layers = std::get<DecisionLayers>(spec_.decision).layers;
  return run_layers(vector.unsqueeze(2).unsqueeze(3), layers, "decision").flatten();
}

}  // namespace twinpatch::train
