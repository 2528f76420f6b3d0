// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <type_traits>

#include "onnx_fields.hpp"
#include "protobuf_writer.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/formats/onnx.hpp"

namespace twinpatch {

namespace {

using namespace onnx;

constexpr std::int64_t kIrVersion = 8;  // of ONNX 1.10 to 1.12, as old as operator set 13 allows with ease
constexpr std::size_t kLongestMessage = 0x7fffffff;

ProtobufWriter tensor_proto(const std::string& name, const OnnxTensor& tensor) {
  ProtobufWriter proto;
  for (const std::int64_t size : tensor.shape) proto.integer(TensorProto::dims, size);
  if (const auto* floats = std::get_if<std::vector<float>>(&tensor.values)) {
    proto.integer(TensorProto::data_type, TensorProto::kFloat);
    proto.text(TensorProto::name, name);
    proto.raw(TensorProto::raw_data, std::span(*floats));
  } else {
    proto.integer(TensorProto::data_type, TensorProto::kInt64);
    proto.text(TensorProto::name, name);
    proto.raw(TensorProto::raw_data, std::span(std::get<std::vector<std::int64_t>>(tensor.values)));
  }
  return proto;
}

ProtobufWriter attribute_proto(const std::string& name, const OnnxAttribute& attribute) {
  ProtobufWriter proto;
  proto.text(AttributeProto::name, name);
  const auto type = std::visit(
      [&]<class Value>(const Value& value) {
        if constexpr (std::is_same_v<Value, std::int64_t>) {
          proto.integer(AttributeProto::i, value);
          return AttributeProto::kInt;
        } else if constexpr (std::is_same_v<Value, float>) {
          proto.number(AttributeProto::f, value);
          return AttributeProto::kFloat;
        } else if constexpr (std::is_same_v<Value, std::string>) {
          proto.text(AttributeProto::s, value);
          return AttributeProto::kString;
        } else if constexpr (std::is_same_v<Value, OnnxTensor>) {
          proto.message(AttributeProto::t, tensor_proto("", value));
          return AttributeProto::kTensor;
        } else if constexpr (std::is_same_v<Value, std::vector<float>>) {
          for (const float number : value) proto.number(AttributeProto::floats, number);
          return AttributeProto::kFloats;
        } else {
          for (const std::int64_t number : value) proto.integer(AttributeProto::ints, number);
          return AttributeProto::kInts;
        }
      },
      attribute);
  proto.integer(AttributeProto::type, type);
  return proto;
}

ProtobufWriter node_proto(const OnnxNode& node) {
  ProtobufWriter proto;
  for (const std::string& input : node.inputs) proto.text(NodeProto::input, input);
  for (const std::string& output : node.outputs) proto.text(NodeProto::output, output);
  proto.text(NodeProto::name, node.name);
  proto.text(NodeProto::op_type, node.operation);
  for (const auto& [name, value] : node.attributes) proto.message(NodeProto::attribute, attribute_proto(name, value));
  return proto;
}

ProtobufWriter value_proto(const OnnxValue& value) {
  ProtobufWriter shape;
  for (std::size_t i = 0; i < value.shape.size(); ++i) {
    ProtobufWriter size;
    if (value.shape[i] >= 0) {
      size.integer(TensorShapeProto::dim_value, value.shape[i]);
    } else {
      size.text(TensorShapeProto::dim_param, i == 0 ? "N" : "size_" + std::to_string(i));
    }
    shape.message(TensorShapeProto::dim, size);
  }
  ProtobufWriter tensor;
  tensor.integer(TypeProto::elem_type, TensorProto::kFloat);
  tensor.message(TypeProto::shape, shape);
  ProtobufWriter type;
  type.message(TypeProto::tensor_type, tensor);
  ProtobufWriter proto;
  proto.text(ValueInfoProto::name, value.name);
  proto.message(ValueInfoProto::type, type);
  return proto;
}

}  // namespace

std::vector<std::byte> serialize_onnx(const OnnxModel& model) {
  ProtobufWriter graph;
  for (const OnnxNode& node : model.nodes) graph.message(GraphProto::node, node_proto(node));
  graph.text(GraphProto::name, model.name);
  for (const auto& [name, tensor] : model.constants) graph.message(GraphProto::initializer, tensor_proto(name, tensor));
  for (const OnnxValue& input : model.inputs) graph.message(GraphProto::input, value_proto(input));
  for (const OnnxValue& output : model.outputs) graph.message(GraphProto::output, value_proto(output));

  ProtobufWriter operators;
  operators.text(OperatorSetIdProto::domain, "");
  operators.integer(OperatorSetIdProto::version, model.operator_set);
  ProtobufWriter proto;
  proto.integer(ModelProto::ir_version, kIrVersion);
  proto.text(ModelProto::producer_name, "twinpatch");
  proto.message(ModelProto::graph, graph);
  proto.message(ModelProto::opset_import, operators);
  for (const auto& [key, value] : model.metadata) {
    ProtobufWriter entry;
    entry.text(StringStringEntryProto::key, key);
    entry.text(StringStringEntryProto::value, value);
    proto.message(ModelProto::metadata_props, entry);
  }
  if (proto.bytes().size() > kLongestMessage) throw InvalidArgument("an ONNX file has at most 2 GB");
  const auto bytes = std::as_bytes(std::span(proto.bytes()));
  return {bytes.begin(), bytes.end()};
}

}  // namespace twinpatch
