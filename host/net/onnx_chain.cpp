// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "onnx_chain.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "twinpatch/core/error.hpp"

// Operators: github.com/onnx/onnx/blob/main/docs/Operators.md.

namespace twinpatch::net {

namespace {

using Integers = std::vector<std::int64_t>;

constexpr const char* kKnown =
    "Conv, BatchNormalization, Relu, Tanh, MaxPool, AveragePool, GlobalMaxPool, GlobalAveragePool, Gemm, MatMul with "
    "Add, "
    "Flatten, Reshape, Squeeze, Identity, Dropout, LpNormalization";

class ChainReader {
 public:
  ChainReader(const OnnxModel& graph, Shape input, const std::string& path)
      : graph_(graph), path_(path), shape_(input) {
    for (const auto& [name, tensor] : graph.constants) constants_[name] = &tensor;
  }

  OnnxChain run() {
    if (graph_.inputs.size() != 1 || graph_.outputs.size() != 1) {
      throw FormatError(path_, -1,
                        fmt::format("ONNX graph: expected one input and one output, found {} and {}",
                                    graph_.inputs.size(), graph_.outputs.size()));
    }
    flow_ = graph_.inputs.front().name;
    for (const OnnxNode& node : graph_.nodes) {
      node_ = &node;
      read();
    }
    if (flow_ != graph_.outputs.front().name) {
      throw FormatError(
          path_, -1,
          fmt::format("ONNX graph: its output {} is not that of its last node", graph_.outputs.front().name));
    }
    return std::move(chain_);
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    const std::string name = node_->name.empty() && !node_->outputs.empty() ? node_->outputs.front() : node_->name;
    throw FormatError(path_, -1, fmt::format("ONNX node {} ({}): {}", name, node_->operation, what));
  }

  void read() {
    const std::string& operation = node_->operation;
    if (node_->outputs.empty()) fail("a node without output");
    if (operation == "Constant") return read_constant();
    if (operation == "Identity" && !node_->inputs.empty() && constants_.contains(node_->inputs.front())) {
      constants_[node_->outputs.front()] = constants_.at(node_->inputs.front());  // PyTorch's, of equal weights
      return;
    }
    if (chain_.unit) fail("a layer after the L2 normalisation");
    if (operation == "Add") return read_bias();
    if (operation == "Conv") {
      read_convolution();
    } else if (operation == "BatchNormalization") {
      read_batch_normalisation();
    } else if (operation == "Relu" || operation == "Tanh") {
      go_on(Activation{operation == "Relu" ? Activation::Kind::relu : Activation::Kind::tanh});
    } else if (operation.ends_with("Pool")) {
      read_pooling();
    } else if (operation == "Gemm" || operation == "MatMul") {
      read_linear();
    } else if (operation == "Flatten" || operation == "Reshape" || operation == "Squeeze" || operation == "Identity" ||
               operation == "Dropout") {
      read_form();
    } else if (operation == "LpNormalization") {
      const std::int64_t axis = integer("axis", -1);
      if (integer("p", 2) != 2 || (axis != 1 && !(flat_ && axis == -1))) fail("expected p = 2 along axis 1");
      chain_.unit = true;
    } else {
      fail(fmt::format("this operator is no layer of a network here; those known are {}", kKnown));
    }
    follow();
  }

  /// Checks that the node takes what the one before put out.
  void follow() {
    if (node_->inputs.empty() || node_->inputs.front() != flow_) {
      fail(fmt::format("expected its input to be {}: only one layer after the other is read", flow_));
    }
    flow_ = node_->outputs.front();
  }

  void go_on(const Layer& layer, std::map<std::string, OnnxWeight> weights = {}) {
    try {
      shape_ = output_shape(layer, shape_);
    } catch (const ShapeError& error) {
      fail(error.what());
    }
    flat_ = flat_ || std::holds_alternative<Linear>(layer);
    chain_.layers.push_back(layer);
    chain_.weights.push_back(std::move(weights));
  }

  // Attributes and constants.

  template <class Value>
  [[nodiscard]] Value attribute(const char* name, Value otherwise) const {
    const auto found = node_->attributes.find(name);
    if (found == node_->attributes.end()) return otherwise;
    if (const auto* value = std::get_if<Value>(&found->second)) return *value;
    fail(fmt::format("its attribute {} is of another type", name));
  }
  [[nodiscard]] std::int64_t integer(const char* name, std::int64_t otherwise) const {
    return attribute(name, otherwise);
  }
  [[nodiscard]] Integers integers(const char* name, const Integers& otherwise) const {
    return attribute(name, otherwise);
  }
  /// Refuses a value that our layers do not have.
  void expect(bool holds, std::string_view what) const {
    if (!holds) fail(fmt::format("expected {}", what));
  }
  [[nodiscard]] const OnnxTensor& constant(std::size_t input) const {
    const auto found = input < node_->inputs.size() ? constants_.find(node_->inputs[input]) : constants_.end();
    if (found == constants_.end()) fail(fmt::format("its input {} must be a constant", input));
    return *found->second;
  }
  [[nodiscard]] OnnxWeight weight(std::size_t input, std::size_t dimensions) const {
    const OnnxTensor& tensor = constant(input);
    const auto* values = std::get_if<std::vector<float>>(&tensor.values);
    if (values == nullptr || tensor.shape.size() != dimensions) {
      fail(fmt::format("its weights {} must be floats of {} dimensions", node_->inputs[input], dimensions));
    }
    return {node_->inputs[input], {.shape = tensor.shape, .values = *values}};
  }
  [[nodiscard]] OnnxWeight bias(std::size_t input, std::int64_t outputs) const {
    if (input < node_->inputs.size() && !node_->inputs[input].empty()) return weight(input, 1);
    return {"", {.shape = {outputs}, .values = std::vector<float>(static_cast<std::size_t>(outputs), 0.0F)}};
  }
  [[nodiscard]] Extent extent(const char* name, const Integers& otherwise) const {
    const Integers values = integers(name, otherwise);
    constexpr std::int64_t kMost = 1 << 16;  // layers check the rest
    if (values.size() != 2 || std::ranges::any_of(values, [](std::int64_t v) { return v < 0 || v > kMost; })) {
      fail(fmt::format("its {} must be two sizes, found [{}]", name, fmt::join(values, ", ")));
    }
    return {static_cast<int>(values[0]), static_cast<int>(values[1])};
  }
  [[nodiscard]] int size(std::int64_t value) const {
    if (value < 1 || value > 1 << 24) fail(fmt::format("a size of {}", value));
    return static_cast<int>(value);
  }

  // Nodes.

  void read_constant() {
    const auto found = node_->attributes.find("value");
    const auto* tensor = found == node_->attributes.end() ? nullptr : std::get_if<OnnxTensor>(&found->second);
    if (tensor == nullptr) fail("expected a tensor as its value");
    constants_[node_->outputs.front()] = tensor;
  }

  void read_convolution() {
    const OnnxWeight kernel = weight(1, 4);
    const Integers pads = integers("pads", {0, 0, 0, 0});
    expect(integer("group", 1) == 1, "one group");
    expect(integers("dilations", {1, 1}) == Integers{1, 1}, "no dilation");
    expect(attribute<std::string>("auto_pad", "NOTSET") == "NOTSET", "pads, not auto_pad");
    expect(pads.size() == 4 && pads[0] == pads[2] && pads[1] == pads[3], "the same padding on opposite sides");
    const Integers& shape = kernel.tensor.shape;
    Convolution layer{.in = size(shape[1]), .out = size(shape[0]), .kernel = {size(shape[2]), size(shape[3])}};
    layer.stride = extent("strides", {1, 1});
    layer.padding = {size(pads[0] + 1) - 1, size(pads[1] + 1) - 1};
    layer.bias = node_->inputs.size() > 2 && !node_->inputs[2].empty();
    std::map<std::string, OnnxWeight> weights{{"weight", kernel}};
    if (layer.bias) weights["bias"] = weight(2, 1);
    go_on(layer, std::move(weights));
  }

  void read_batch_normalisation() {
    expect(integer("training_mode", 0) == 0, "statistics that are fixed");
    std::map<std::string, OnnxWeight> weights{{"weight", weight(1, 1)},
                                              {"bias", weight(2, 1)},
                                              {"running_mean", weight(3, 1)},
                                              {"running_var", weight(4, 1)}};
    const auto all = [&](const char* field, float value) {
      return std::ranges::all_of(weights.at(field).tensor.values, [=](float v) { return v == value; });
    };
    BatchNormalisation layer{.channels = shape_.channels, .epsilon = attribute("epsilon", 1e-5F), .affine = true};
    // The nearest number of few digits: a float's 1e-5 is meant as 1e-5.
    layer.epsilon = std::stod(fmt::format("{}", static_cast<float>(layer.epsilon)));
    if (all("weight", 1) && all("bias", 0)) {
      layer.affine = false;
      weights.erase("weight");
      weights.erase("bias");
    }
    go_on(layer, std::move(weights));
  }

  void read_pooling() {
    const std::string& operation = node_->operation;
    expect(operation == "MaxPool" || operation == "AveragePool" || operation == "GlobalMaxPool" ||
               operation == "GlobalAveragePool",
           "a pooling that is known");
    Pooling layer{.kind = operation.ends_with("MaxPool") ? Pooling::Kind::max : Pooling::Kind::average};
    if (operation.starts_with("Global")) {
      layer.window = layer.stride = {shape_.height, shape_.width};
      return go_on(layer);
    }
    expect(std::ranges::all_of(integers("pads", {}), [](std::int64_t pad) { return pad == 0; }), "no padding");
    expect(integers("dilations", {1, 1}) == Integers{1, 1}, "no dilation");
    expect(attribute<std::string>("auto_pad", "NOTSET") == "NOTSET", "pads, not auto_pad");
    layer.window = extent("kernel_shape", {});
    layer.stride = extent("strides", {1, 1});
    layer.ceil = integer("ceil_mode", 0) != 0;
    go_on(layer);
  }

  void read_linear() {
    OnnxWeight matrix = weight(1, 2);
    bool transposed = false;
    if (node_->operation == "Gemm") {
      expect(attribute("alpha", 1.0F) == 1 && attribute("beta", 1.0F) == 1, "alpha and beta of 1");
      expect(integer("transA", 0) == 0, "an input that is not transposed");
      transposed = integer("transB", 0) != 0;
    }
    expect(flat_ || shape_.height * shape_.width == 1, "a Flatten before it");
    if (!transposed) matrix.tensor = transpose(matrix.tensor);
    const Integers& shape = matrix.tensor.shape;
    const Linear layer{.in = size(shape[1]), .out = size(shape[0])};
    open_bias_ = node_->operation == "MatMul";
    go_on(layer, {{"weight", matrix}, {"bias", bias(2, layer.out)}});
  }

  static Tensor transpose(const Tensor& matrix) {
    const auto rows = static_cast<std::size_t>(matrix.shape[0]);
    const auto columns = static_cast<std::size_t>(matrix.shape[1]);
    Tensor result{.shape = {matrix.shape[1], matrix.shape[0]}, .values = std::vector<float>(matrix.values.size())};
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t j = 0; j < columns; ++j) result.values[j * rows + i] = matrix.values[i * columns + j];
    }
    return result;
  }

  /// The Add behind a MatMul; its constant may stand on either side.
  void read_bias() {
    const bool behind = open_bias_ && node_->inputs.size() == 2;
    const std::size_t place = behind && node_->inputs[0] == flow_ ? 1 : 0;
    if (!behind || node_->inputs[1 - place] != flow_) fail("an Add is read only as the bias of the MatMul before it");
    OnnxWeight added = weight(place, 1);
    expect(std::ssize(added.tensor.values) == shape_.size(), "as many values as the MatMul puts out");
    chain_.weights.back()["bias"] = std::move(added);
    open_bias_ = false;
    flow_ = node_->outputs.front();
  }

  /// Operators that leave the values as they are.
  void read_form() {
    const std::string& operation = node_->operation;
    if (operation == "Flatten") {
      expect(integer("axis", 1) == 1, "axis 1");
      flat_ = true;
    } else if (operation == "Reshape") {
      const auto* sizes = std::get_if<Integers>(&constant(1).values);
      const bool to_rows =
          sizes != nullptr && sizes->size() == 2 && ((*sizes)[1] == -1 || (*sizes)[1] == shape_.size());
      expect(to_rows, fmt::format("a shape of rows with {} values", shape_.size()));
      flat_ = true;
    } else if (operation == "Squeeze") {
      expect(shape_.height == 1 && shape_.width == 1, "rows and columns of 1");
      flat_ = true;
    }
    if (flat_) shape_ = {static_cast<int>(shape_.size()), 1, 1};
  }

  const OnnxModel& graph_;
  const std::string& path_;
  std::map<std::string, const OnnxTensor*> constants_;  // of the graph
  const OnnxNode* node_ = nullptr;
  std::string flow_;  // what the last node put out
  Shape shape_;
  bool flat_ = false;       // rows of values, without rows and columns of a map
  bool open_bias_ = false;  // the last layer is a MatMul whose bias may follow
  OnnxChain chain_;
};

}  // namespace

OnnxChain read_onnx_chain(const OnnxModel& graph, Shape input, const std::string& path) {
  return ChainReader(graph, input, path).run();
}

}  // namespace twinpatch::net
