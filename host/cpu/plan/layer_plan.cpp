// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/layer_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "plan/dnnl_steps.hpp"
#include "plan/own_steps.hpp"
#include "plan/stem_step.hpp"
#include "plan/winograd_step.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch::cpu {

const float* LayerWeights::get(std::size_t layer, const char* field, std::int64_t size) const {
  const auto name = fmt::format("{}.{}.{}", prefix, layer, field);
  const auto found = model->weights.find(name);
  if (found == model->weights.end()) throw ShapeError(fmt::format("model has no tensor {}", name));
  const auto values = static_cast<std::int64_t>(found->second.values.size());
  if (values != size) throw ShapeError(fmt::format("tensor {} has {} values, expected {}", name, values, size));
  return found->second.values.data();
}

/// Goes through the layers once and appends steps; a layer may take those after it along.
struct LayerPlan::Planner {
  LayerPlan& plan;
  std::span<const Layer> layers;
  const LayerWeights& weights;
  const PlanOptions& options;
  std::size_t index;  ///< the layer to plan next
  Shape shape;        ///< its input

  void plan_all() {
    while (index < layers.size()) {
      const auto& layer = layers[index];
      std::visit([&](const auto& kind) { add(kind, output_shape(layer, shape)); }, layer);
    }
  }

  void append(std::unique_ptr<Step> step, Shape output, std::size_t layers_taken) {
    plan.scratch_bytes_ = std::max(plan.scratch_bytes_, step->scratch_bytes());
    plan.buffer_floats_ = std::max(plan.buffer_floats_, options.size.batch * output.size());
    plan.steps_.push_back(std::move(step));
    shape = output;
    index += layers_taken;
  }

  /// The activation right after the current layer, to be fused with it.
  [[nodiscard]] ActivationKind next_activation() const {
    if (index + 1 >= layers.size()) return {};
    const auto* activation = std::get_if<Activation>(&layers[index + 1]);
    return activation == nullptr ? ActivationKind{} : activation->kind;
  }

  void add(const Convolution& layer, Shape output) {
    const auto activation = next_activation();
    const auto values = std::int64_t{layer.out} * layer.in * layer.kernel.height * layer.kernel.width;
    const float* weight = weights.get(index, "weight", values);
    const float* bias = layer.bias ? weights.get(index, "bias", layer.out) : nullptr;
    const std::size_t taken = activation ? 2 : 1;
    if (layer.padding == Extent{} && layer.kernel == Extent{shape.height, shape.width}) {
      const auto matrix = columns_channels_last(weight, layer.out, shape);
      append(make_inner_product_step(shape.size(), layer.out, activation, matrix.data(), bias, options.size), output,
             taken);
      return;
    }
    if (!activation || *activation == Activation::Kind::relu) {
      const bool pool = activation && pools_by_two(index + taken);
      if (auto step = make_own_convolution(layer, output, activation.has_value(), pool, weight, bias)) {
        append(std::move(step), pool ? output_shape(layers[index + taken], output) : output, taken + (pool ? 1 : 0));
        return;
      }
    }
    append(make_convolution_step(layer, shape, output, activation, weight, bias, options.size), output, taken);
  }

  /// Kernels of our own, where there are some for such a layer; ReLU and pooling are fused.
  std::unique_ptr<Step> make_own_convolution(const Convolution& layer, Shape output, bool relu, bool pool,
                                             const float* weight, const float* bias) {
    if (plan.steps_.empty() && stem_fits(layer, output, pool)) {
      plan.planar_input_ = true;
      return make_stem_step(layer, shape, output, relu, pool, weight, bias);
    }
    if (!options.exact_convolutions && winograd_fits(layer, shape, output)) {
      return make_winograd_step(layer, shape, output, relu, pool, weight, bias);
    }
    return nullptr;
  }

  /// Whether that layer is the max pooling that can be fused: 2×2, stride 2, rounding down.
  [[nodiscard]] bool pools_by_two(std::size_t layer) const {
    if (layer >= layers.size()) return false;
    const auto* pooling = std::get_if<Pooling>(&layers[layer]);
    return pooling != nullptr && *pooling == Pooling{};
  }

  void add(const BatchNormalisation& layer, Shape output) {
    const float* mean = weights.get(index, "running_mean", layer.channels);
    const float* variance = weights.get(index, "running_var", layer.channels);
    const float* gain = layer.affine ? weights.get(index, "weight", layer.channels) : nullptr;
    const float* bias = layer.affine ? weights.get(index, "bias", layer.channels) : nullptr;
    const auto channels = static_cast<std::size_t>(layer.channels);
    std::vector<float> scale(channels), offset(channels);
    for (std::size_t c = 0; c < channels; ++c) {
      const double factor = (gain != nullptr ? gain[c] : 1.0) / std::sqrt(variance[c] + layer.epsilon);
      scale[c] = static_cast<float>(factor);
      offset[c] = static_cast<float>((bias != nullptr ? bias[c] : 0.0) - mean[c] * factor);
    }
    append(make_channel_affine_step(shape, std::move(scale), std::move(offset)), output, 1);
  }

  void add(const Pooling& layer, Shape output) {
    append(make_pooling_step(layer, shape, output, options.size), output, 1);
  }

  void add(const Subsampling& layer, Shape output) {
    const float* gain = weights.get(index, "weight", layer.channels);
    const float* bias = weights.get(index, "bias", layer.channels);
    const Pooling average{.kind = Pooling::Kind::average, .window = layer.window, .stride = layer.window};
    append(make_pooling_step(average, shape, output, options.size), output, 0);
    append(make_channel_affine_step(output, {gain, gain + layer.channels}, {bias, bias + layer.channels}), output, 1);
  }

  void add(const SpatialPyramid& layer, Shape output) { append(make_spatial_pyramid_step(layer, shape), output, 1); }

  void add(const Linear& layer, Shape output) {
    const auto activation = next_activation();
    const float* weight = weights.get(index, "weight", std::int64_t{layer.out} * layer.in);
    const float* bias = weights.get(index, "bias", layer.out);
    const auto matrix = columns_channels_last(weight, layer.out, shape);
    append(make_inner_product_step(layer.in, layer.out, activation, matrix.data(), bias, options.size), output,
           activation ? 2 : 1);
  }

  void add(const Activation& layer, Shape output) {
    append(make_activation_step(layer.kind, shape.size(), options.size), output, 1);
  }
};

LayerPlan::LayerPlan(std::span<const Layer> layers, std::size_t first, Shape input, const LayerWeights& weights,
                     const PlanOptions& options)
    : input_(input) {
  Planner planner{*this, layers, weights, options, first, input};
  planner.plan_all();
  output_ = planner.shape;
}

const float* LayerPlan::run(int worker, std::int64_t batch, const float* in, Workspace& workspace) const {
  float* out = workspace.ping.data();
  float* next = workspace.pong.data();
  for (const auto& step : steps_) {
    step->run(worker, batch, in, out, workspace.scratch.data());
    in = out;
    std::swap(out, next);
  }
  return in;
}

std::vector<std::string> LayerPlan::describe() const {
  std::vector<std::string> result;
  for (const auto& step : steps_) result.push_back(step->name());
  return result;
}

Workspace make_workspace(std::span<const LayerPlan> plans) {
  std::int64_t floats = 0;
  std::int64_t bytes = 0;
  for (const auto& plan : plans) {
    floats = std::max(floats, plan.buffer_floats());
    bytes = std::max(bytes, plan.scratch_bytes());
  }
  return {Buffer<float>(floats), Buffer<float>(floats), Buffer<std::byte>(bytes)};
}

}  // namespace twinpatch::cpu
