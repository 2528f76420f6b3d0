// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/net/fused_layers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "twinpatch/core/error.hpp"

namespace twinpatch {
namespace {

/// Throws ShapeError unless the tensor is there and has `size` values.
std::span<const float> values(const Model& model, const std::string& name, std::int64_t size) {
  const auto found = model.weights.find(name);
  if (found == model.weights.end()) throw ShapeError(fmt::format("model has no tensor {}", name));
  const std::vector<float>& result = found->second.values;
  if (std::ssize(result) != size) {
    throw ShapeError(fmt::format("tensor {} has {} values, expected {}", name, result.size(), size));
  }
  return result;
}

/// Finds a group's weights, by kind of layer.
struct WeightReader {
  const Model& model;
  FusedLayer& group;

  void operator()(const Convolution& layer) const {
    read(std::int64_t{layer.out} * layer.in * layer.kernel.height * layer.kernel.width, layer.bias ? layer.out : 0);
    group.is_product = layer.padding == Extent{} && layer.kernel == Extent{group.input.height, group.input.width};
  }
  void operator()(const Linear& layer) const {
    read(std::int64_t{layer.out} * layer.in, layer.out);
    group.is_product = true;
  }
  void operator()(const Subsampling& layer) const { read(layer.channels, layer.channels); }
  void operator()(const BatchNormalisation& /*layer*/) const {
    throw InvalidArgument("batch normalisations must be folded before a network is planned");
  }
  void operator()(const Pooling& /*layer*/) const {}
  void operator()(const SpatialPyramid& /*layer*/) const {}
  void operator()(const Activation& /*layer*/) const {}

 private:
  void read(std::int64_t weights, std::int64_t biases) const {
    group.weight = values(model, group.name + "weight", weights);
    if (biases > 0) group.bias = values(model, group.name + "bias", biases);
  }
};

template <class Kind>
const Kind* layer_at(std::span<const Layer> layers, std::size_t index) {
  return index < layers.size() ? std::get_if<Kind>(&layers[index]) : nullptr;
}

FusedLayer read_group(const LayerList& list, std::size_t index, Shape input, const FusionRules& rules) {
  const Layer& layer = list.layers[index];
  FusedLayer group;
  group.layer = &layer;
  group.name = fmt::format("{}.{}.", list.prefix, index);
  group.end = index + 1;
  group.input = input;
  group.output = group.layer_output = output_shape(layer, input);
  std::visit(WeightReader{*list.model, group}, layer);
  const bool is_convolution = std::holds_alternative<Convolution>(layer) && !group.is_product;
  if (!is_convolution && !group.is_product) return group;
  const auto* const activation = layer_at<Activation>(list.layers, group.end);
  if (activation != nullptr && rules.fuses_activation(group, activation->kind)) {
    group.activation = activation->kind;
    ++group.end;
  }
  const auto* const pooling = layer_at<Pooling>(list.layers, group.end);
  if (is_convolution && pooling != nullptr && rules.fuses_pooling(group, *pooling)) {
    group.pooling = *pooling;
    group.output = output_shape(list.layers[group.end++], group.output);
  }
  return group;
}

}  // namespace

std::vector<FusedLayer> fuse_layers(const LayerList& list, std::size_t first, Shape input, const FusionRules& rules) {
  std::vector<FusedLayer> result;
  while (first < list.layers.size()) {
    result.push_back(read_group(list, first, input, rules));
    first = result.back().end;
    input = result.back().output;
  }
  return result;
}

Shape layer_input(const NetworkSpec& spec, const Stream& stream, Extent patch, std::size_t layer) {
  Shape shape = stream_input(spec, stream, patch);
  for (std::size_t i = 0; i < layer; ++i) shape = output_shape(stream.layers[i], shape);
  return shape;
}

ActivationSizes activation_sizes(const NetworkSpec& spec, Extent patch) {
  ActivationSizes sizes;
  for (const Stream& stream : spec.streams) {
    Shape shape = stream_input(spec, stream, patch);
    sizes.inputs += shape.size();
    sizes.largest = std::max(sizes.largest, shape.size());
    for (const Layer& layer : stream.layers) {
      shape = output_shape(layer, shape);
      sizes.largest = std::max(sizes.largest, shape.size());
    }
  }
  return sizes;
}

std::vector<float> columns_channels_last(std::span<const float> matrix, Shape shape) {
  const std::int64_t pixels = std::int64_t{shape.height} * shape.width;
  std::vector<float> result(matrix.size());
  const float* from = matrix.data();
  for (float* row = result.data(); row != result.data() + result.size(); row += shape.size()) {
    for (std::int64_t c = 0; c < shape.channels; ++c) {
      for (std::int64_t i = 0; i < pixels; ++i) row[i * shape.channels + c] = *from++;
    }
  }
  return result;
}

}  // namespace twinpatch
