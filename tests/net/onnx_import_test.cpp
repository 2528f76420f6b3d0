// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "support/message.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/net/foreign_weights.hpp"
#include "twinpatch/net/onnx.hpp"

using namespace twinpatch;
using Catch::Contains;

namespace {

using Sizes = std::vector<std::int64_t>;

NetworkSpec small(bool affine = false) {
  NetworkSpec spec;
  spec.name = "small";
  spec.input = Extent{12, 10};
  spec.streams = {
      {{},
       {Convolution{.in = 1, .out = 3, .kernel = {3, 2}, .stride = {2, 1}, .padding = {1, 0}, .bias = false},
        BatchNormalisation{.channels = 3, .affine = affine}, Activation{}, Pooling{.window = {2, 3}, .stride = {2, 2}},
        Pooling{.kind = Pooling::Kind::average}, Linear{6, 4}, Activation{Activation::Kind::tanh}}}};
  spec.decision = DecisionMetric{};
  return spec;
}

OnnxNode node(const std::string& operation, const std::string& input, const std::string& output) {
  return {operation, output + "_node", {input}, {output}, {}};
}

OnnxTensor constant(const Tensor& tensor) { return {tensor.shape, tensor.values}; }

/// The graph of `small` as another program would write it.
OnnxModel graph_of(const Model& model) {
  OnnxModel graph;
  graph.inputs = {{"in", {-1, 1, 12, 10}}};
  graph.outputs = {{"out", {-1, 4}}};
  for (const auto& [name, tensor] : model.weights) graph.constants["net." + name] = constant(tensor);
  graph.constants["ones"] = {{3}, std::vector<float>(3, 1)};
  graph.constants["zeros"] = {{3}, std::vector<float>(3, 0)};
  OnnxNode conv = node("Conv", "in", "a");
  conv.inputs.emplace_back("net.branch.0.0.weight");
  conv.attributes = {{"strides", Sizes{2, 1}}, {"pads", Sizes{1, 0, 1, 0}}, {"group", std::int64_t{1}}};
  OnnxNode norm = node("BatchNormalization", "a", "b");
  const bool affine = model.weights.contains("branch.0.1.weight");
  for (const char* name : {affine ? "net.branch.0.1.weight" : "ones", affine ? "net.branch.0.1.bias" : "zeros",
                           "net.branch.0.1.running_mean", "net.branch.0.1.running_var"}) {
    norm.inputs.emplace_back(name);
  }
  OnnxNode largest = node("MaxPool", "c", "d");
  largest.attributes = {{"kernel_shape", Sizes{2, 3}}, {"strides", Sizes{2, 2}}, {"pads", Sizes{0, 0, 0, 0}}};
  OnnxNode average = node("AveragePool", "d", "e");
  average.attributes = {{"kernel_shape", Sizes{2, 2}}, {"strides", Sizes{2, 2}}};
  OnnxNode linear = node("Gemm", "f", "g");
  linear.inputs.insert(linear.inputs.end(), {"net.branch.0.5.weight", "net.branch.0.5.bias"});
  linear.attributes = {{"transB", std::int64_t{1}}};
  graph.nodes = {conv,
                 norm,
                 node("Relu", "b", "c"),
                 largest,
                 average,
                 node("Flatten", "e", "f"),
                 linear,
                 node("Tanh", "g", "h"),
                 node("LpNormalization", "h", "out")};
  graph.nodes.back().attributes = {{"axis", std::int64_t{1}}};
  return graph;
}

ForeignModel import(const OnnxModel& graph, const NetworkSpec& spec = small()) {
  return import_weights(serialize_onnx(graph), "g.onnx", spec);
}

}  // namespace

TEST_CASE("an ONNX graph of the network's layers gives its weights") {
  for (const bool affine : {false, true}) {
    const Model model = random_model(small(affine), 3);
    const ForeignModel found = import(graph_of(model), small(affine));
    CHECK(model_hash(found.model) == model_hash(model));
    REQUIRE_FALSE(found.sources.empty());
    for (const WeightSource& source : found.sources) CHECK(source.tensor == "net." + source.weight);
  }
}

TEST_CASE("an ONNX graph with folded batch normalisations gives a folded model") {
  const Model model = random_model(small(), 3);
  const Model folded = fold_batch_normalisation(model);
  OnnxModel graph = graph_of(folded);
  graph.nodes.erase(graph.nodes.begin() + 1);
  graph.nodes[1].inputs = {"a"};
  graph.nodes[0].inputs.emplace_back("bias");  // a copy under another name, as PyTorch shares equal weights
  graph.nodes.insert(graph.nodes.begin(), node("Identity", "net.branch.0.0.bias", "bias"));
  for (const char* field : {"weight", "bias"}) {
    graph.constants["net.branch.0.5." + std::string(field)] =
        graph.constants.at("net.branch.0.4." + std::string(field));
  }
  CHECK(model_hash(import(graph).model) == model_hash(folded));
}

TEST_CASE("a matrix product with a sum is a linear layer, with constants among the nodes") {
  const Model model = random_model(small(), 4);
  OnnxModel graph = graph_of(model);
  const Tensor& weight = model.weights.at("branch.0.5.weight");
  Tensor turned{.shape = {6, 4}, .values = std::vector<float>(24)};
  for (std::size_t i = 0; i < 4; ++i) {
    for (std::size_t j = 0; j < 6; ++j) turned.values[j * 4 + i] = weight.values[i * 6 + j];
  }
  OnnxNode value{"Constant", "value", {}, {"turned"}, {{"value", constant(turned)}}};
  graph.nodes[6] = {"MatMul", "product", {"f", "turned"}, {"product"}, {}};
  graph.nodes.insert(graph.nodes.begin() + 7, {"Add", "sum", {"net.branch.0.5.bias", "product"}, {"g"}, {}});
  graph.nodes.insert(graph.nodes.begin(), value);
  CHECK(model_hash(import(graph).model) == model_hash(model));
}

TEST_CASE("ONNX operators and values that our layers do not have are refused with their node") {
  const OnnxModel good = graph_of(random_model(small(), 3));
  const auto refused = [&](auto change, const char* why) {
    OnnxModel graph = good;
    change(graph);
    CHECK_THAT(test::message_of<Error>([&] { (void)import(graph); }), Contains("g.onnx") && Contains(why));
  };
  using Graph = OnnxModel;
  refused([](Graph& g) { g.nodes[2].operation = "Sigmoid"; },
          "ONNX node c_node (Sigmoid): this operator is no layer of a network here; those known are Conv,");
  refused([](Graph& g) { g.nodes[2].name.clear(), g.nodes[2].operation = "Elu"; }, "ONNX node c (Elu)");
  refused([](Graph& g) { g.nodes[2].inputs[0] = "in"; }, "expected its input to be b: only one layer after the other");
  refused([](Graph& g) { g.nodes[0].attributes["group"] = std::int64_t{3}; }, "(Conv): expected one group");
  refused([](Graph& g) { g.nodes[0].attributes["group"] = 1.0F; }, "its attribute group is of another type");
  refused([](Graph& g) { g.nodes[0].attributes["dilations"] = Sizes{2, 2}; }, "expected no dilation");
  refused([](Graph& g) { g.nodes[0].attributes["auto_pad"] = std::string("SAME_UPPER"); }, "pads, not auto_pad");
  refused([](Graph& g) { g.nodes[0].attributes["pads"] = Sizes{1, 0, 0, 0}; }, "the same padding on opposite sides");
  refused([](Graph& g) { g.nodes[0].attributes["strides"] = Sizes{2}; }, "its strides must be two sizes");
  refused([](Graph& g) { g.nodes[0].inputs[1] = "in"; }, "its input 1 must be a constant");
  refused([](Graph& g) { g.constants["net.branch.0.0.weight"].shape = {18}; }, "must be floats of 4 dimensions");
  refused([](Graph& g) { g.nodes[1].attributes["training_mode"] = std::int64_t{1}; }, "statistics that are fixed");
  refused([](Graph& g) { g.nodes[3].attributes["pads"] = Sizes{0, 0, 1, 1}; }, "(MaxPool): expected no padding");
  refused([](Graph& g) { g.nodes[3].operation = "LpPool"; }, "a pooling that is known");
  refused([](Graph& g) { g.nodes[3].attributes["kernel_shape"] = Sizes{20, 20}; }, "(MaxPool)");
  refused([](Graph& g) { g.nodes[6].attributes["alpha"] = 2.0F; }, "alpha and beta of 1");
  refused([](Graph& g) { g.nodes[8].attributes["p"] = std::int64_t{1}; }, "expected p = 2 along axis 1");
  refused([](Graph& g) { g.nodes[5] = {"Add", "x", {"e", "ones"}, {"f"}, {}}; }, "only as the bias of the MatMul");
  refused([](Graph& g) { g.nodes.push_back(node("Relu", "out", "z")), g.outputs[0].name = "z"; },
          "a layer after the L2 normalisation");
  refused([](Graph& g) { g.nodes.pop_back(); }, "its output out is not that of its last node");
  refused([](Graph& g) { g.inputs.push_back({"second", {}}); }, "expected one input and one output");
  refused([](Graph& g) { g.inputs[0].shape = {-1, 3, 12, 10}; }, "expected an input [N, 1, 12, 10]");
  // Good layers, but not the network's: both are shown.
  refused([](Graph& g) { g.nodes[7].operation = "Relu"; }, "its layers are not those of network small: found conv 3");
  refused([](Graph& g) { g.nodes[1].attributes["epsilon"] = 0.5F; }, "its layers are not those of network small");
}

TEST_CASE("ONNX is read for networks that it can describe") {
  const auto bytes = serialize_onnx(graph_of(random_model(small(), 3)));
  for (const char* name : {"2ch", "siam", "siam-2stream-l2", "siam-spp-l2", "hard128"}) {
    CHECK_THAT(test::message_of<InvalidArgument>([&] { (void)import_weights(bytes, "g", network(name)); }),
               Contains("ONNX is read for networks of one size"));
  }
  NetworkSpec plain = small();
  plain.decision = DecisionMetric{DecisionMetric::Kind::l2, false};
  CHECK_THAT(test::message_of<FormatError>([&] { (void)import_weights(bytes, "g", plain); }),
             Contains("it ends in an L2 normalisation, which network small has not"));
  const std::vector<WeightSource> map{{"a", "b"}};
  CHECK_THAT(test::message_of<InvalidArgument>([&] { (void)import_weights(bytes, "g", small(), map); }),
             Contains("no map"));
  CHECK_THAT(test::message_of<FormatError>([&] { (void)load_model(bytes, "g"); }), Contains("an ONNX graph, which"));
  // Our own export normalises patches, which is no layer.
  const auto own = serialize_onnx(to_onnx(random_model(network("tfeat"), 1)));
  CHECK_THAT(test::message_of<FormatError>([&] { (void)import_weights(own, "g", network("tfeat")); }),
             Contains("ONNX node ReduceMean_0 (ReduceMean): this operator is no layer"));
}
