// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "onnx_graph.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "layers.hpp"
#include "twinpatch/core/error.hpp"

// Operators: github.com/onnx/onnx/blob/main/docs/Operators.md, as of operator set 13.

namespace twinpatch::net {

namespace {

using Sizes = std::vector<std::int64_t>;

Sizes sizes(Extent extent) { return {extent.height, extent.width}; }

/// Zeros behind an axis of `in` values that make a pooling's rounding up a rounding down.
std::int64_t padding_behind(int in, int out, int window, int stride) {
  return std::max(0, (out - 1) * stride + window - in);
}

class LayerBuilder {
 public:
  LayerBuilder(OnnxGraph& graph, const OnnxFlow& input, const Model& model, const std::string& prefix)
      : graph_(graph), input_(input), model_(model), prefix_(prefix) {}

  OnnxFlow operator()(const Convolution& layer) const {
    std::vector<std::string> inputs{map().name, weight("weight")};
    if (layer.bias) inputs.push_back(weight("bias"));
    const std::int64_t rows = layer.padding.height;
    const std::int64_t columns = layer.padding.width;
    return map_of(layer, graph_.add("Conv", inputs,
                                    {{"kernel_shape", sizes(layer.kernel)},
                                     {"strides", sizes(layer.stride)},
                                     {"pads", Sizes{rows, columns, rows, columns}}}));
  }

  OnnxFlow operator()(const Pooling& layer) const {
    const OnnxFlow from = map();
    const Shape out = output_shape(layer, from.shape);
    const bool average = layer.kind == Pooling::Kind::average;
    // Rounding up is said by padding: what ceil_mode averages over has changed between versions.
    const Sizes pads{0, 0, padding_behind(from.shape.height, out.height, layer.window.height, layer.stride.height),
                     padding_behind(from.shape.width, out.width, layer.window.width, layer.stride.width)};
    std::map<std::string, OnnxAttribute> attributes{
        {"kernel_shape", sizes(layer.window)}, {"strides", sizes(layer.stride)}, {"pads", pads}};
    if (average) attributes["count_include_pad"] = std::int64_t{0};
    return map_of(layer, graph_.add(average ? "AveragePool" : "MaxPool", {from.name}, attributes));
  }

  OnnxFlow operator()(const Subsampling& layer) const {
    const Sizes window = sizes(layer.window);
    const std::string mean = graph_.add("AveragePool", {map().name}, {{"kernel_shape", window}, {"strides", window}});
    const Sizes shape{1, layer.channels, 1, 1};
    const std::string scaled = graph_.add("Mul", {mean, weight("weight", shape)});
    return map_of(layer, graph_.add("Add", {scaled, weight("bias", shape)}));
  }

  OnnxFlow operator()(const SpatialPyramid& layer) const {
    const OnnxFlow from = map();
    std::vector<std::string> levels;
    for (const int level : layer.levels) {
      std::vector<std::string> bins;
      for (int i = 0; i < level; ++i) {
        for (int j = 0; j < level; ++j) {
          const auto [top, height] = bin(i, level, from.shape.height);
          const auto [left, width] = bin(j, level, from.shape.width);
          bins.push_back(graph_.add("GlobalMaxPool", {graph_.window(from, {top, left}, {height, width}).name}));
        }
      }
      const std::string all = graph_.add("Concat", bins, {{"axis", std::int64_t{2}}});  // [N, channels, level², 1]
      levels.push_back(graph_.add("Flatten", {all}, {{"axis", std::int64_t{1}}}));
    }
    return flat_of(layer, graph_.add("Concat", levels, {{"axis", std::int64_t{1}}}));
  }

  OnnxFlow operator()(const Linear& layer) const {
    const OnnxFlow from = graph_.flattened(input_);
    return flat_of(layer,
                   graph_.add("Gemm", {from.name, weight("weight"), weight("bias")}, {{"transB", std::int64_t{1}}}));
  }

  OnnxFlow operator()(const Activation& layer) const {
    OnnxFlow result = input_;
    result.name = graph_.add(layer.kind == Activation::Kind::relu ? "Relu" : "Tanh", {input_.name});
    return result;
  }

  OnnxFlow operator()(const BatchNormalisation& layer) const {
    throw InvalidArgument(describe(layer) + " must be folded first");
  }

 private:
  /// The input with rows and columns.
  OnnxFlow map() const {
    if (!input_.flat) return input_;
    const Shape& shape = input_.shape;
    const std::string sizes = graph_.integers({-1, shape.channels, shape.height, shape.width});
    return {graph_.add("Reshape", {input_.name, sizes}), shape, false};
  }
  OnnxFlow map_of(const Layer& layer, std::string name) const {
    return {std::move(name), output_shape(layer, input_.shape), false};
  }
  OnnxFlow flat_of(const Layer& layer, std::string name) const {
    return {std::move(name), output_shape(layer, input_.shape), true};
  }
  std::string weight(const std::string& field) const { return weight(field, tensor(field).shape); }
  std::string weight(const std::string& field, const Sizes& shape) const {
    return graph_.constant(prefix_ + field, shape, tensor(field).values);
  }
  const Tensor& tensor(const std::string& field) const { return model_.weights.at(prefix_ + field); }
  /// Where bin `i` of `count` begins along an axis of `size` values, and how many it covers; see SpatialPyramid.
  static std::pair<int, int> bin(int i, int count, int size) {
    const int begin = i * size / count;
    return {begin, ((i + 1) * size + count - 1) / count - begin};
  }

  OnnxGraph& graph_;
  const OnnxFlow& input_;
  const Model& model_;
  const std::string& prefix_;
};

}  // namespace

std::string OnnxGraph::add(const std::string& operation, std::vector<std::string> inputs,
                           std::map<std::string, OnnxAttribute> attributes) {
  OnnxNode node;
  node.operation = operation;
  node.name = fmt::format("{}_{}", operation, counts_[operation]++);
  node.inputs = std::move(inputs);
  node.outputs = {node.name + "_out"};
  node.attributes = std::move(attributes);
  model_.nodes.push_back(std::move(node));
  return model_.nodes.back().outputs.front();
}

std::string OnnxGraph::constant(const std::string& name, std::vector<std::int64_t> shape, std::vector<float> values) {
  model_.constants[name] = {std::move(shape), std::move(values)};
  return name;
}

std::string OnnxGraph::integers(const std::vector<std::int64_t>& values) {
  const auto [known, is_new] = integers_.emplace(values, fmt::format("integers_{}", fmt::join(values, "_")));
  if (is_new) model_.constants[known->second] = {{std::ssize(values)}, values};
  return known->second;
}

std::string OnnxGraph::number(double value) {
  const auto rounded = static_cast<float>(value);
  return constant(fmt::format("number_{}", rounded), {}, {rounded});
}

OnnxFlow OnnxGraph::window(const OnnxFlow& input, Extent top_left, Extent size) {
  const std::string from = integers({top_left.height, top_left.width});
  const std::string to = integers({top_left.height + size.height, top_left.width + size.width});
  return {add("Slice", {input.name, from, to, integers({2, 3})}), {input.shape.channels, size.height, size.width}};
}

OnnxFlow OnnxGraph::flattened(const OnnxFlow& input) {
  if (input.flat) return input;
  return {add("Flatten", {input.name}, {{"axis", std::int64_t{1}}}), input.shape, true};
}

OnnxFlow add_layer(OnnxGraph& graph, const Layer& layer, const OnnxFlow& input, const Model& model,
                   const std::string& prefix) {
  return std::visit(LayerBuilder(graph, input, model, prefix), layer);
}

}  // namespace twinpatch::net
