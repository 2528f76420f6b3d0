// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <optional>

#include "onnx_fields.hpp"
#include "protobuf_reader.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/core/half.hpp"
#include "twinpatch/formats/onnx.hpp"

namespace twinpatch {

namespace {

using namespace onnx;

constexpr std::size_t kMostNodes = 1 << 16;
constexpr std::size_t kDimensions = 8;

/// What a TensorProto holds, before its type says what the numbers are.
struct TensorParts {
  std::string name;
  std::vector<std::int64_t> shape;
  std::int64_t type = 0, location = 0;
  std::span<const std::byte> raw;
  std::vector<float> floats;
  std::vector<double> doubles;
  std::vector<std::int64_t> integers;
};

TensorParts read_parts(ProtobufReader reader) {
  TensorParts parts;
  while (const auto field = reader.next()) {
    switch (field->number) {
      case TensorProto::dims:
        reader.integers(*field, parts.shape);
        break;
      case TensorProto::data_type:
        parts.type = reader.integer(*field);
        break;
      case TensorProto::data_location:
        parts.location = reader.integer(*field);
        break;
      case TensorProto::name:
        parts.name = reader.text(*field);
        break;
      case TensorProto::raw_data:
        parts.raw = reader.bytes(*field);
        break;
      case TensorProto::float_data:
        reader.numbers(*field, parts.floats);
        break;
      case TensorProto::double_data:
        reader.numbers(*field, parts.doubles);
        break;
      case TensorProto::int32_data:
      case TensorProto::int64_data:
        reader.integers(*field, parts.integers);
        break;
      default:
        break;
    }
  }
  return parts;
}

/// Values of one type in raw bytes, each made into another.
template <class Stored, class Value, class Convert>
std::vector<Value> unpack(std::span<const std::byte> raw, const Convert& convert) {
  std::vector<Value> values(raw.size() / sizeof(Stored));
  for (std::size_t i = 0; i < values.size(); ++i) {
    Stored stored;
    std::memcpy(&stored, raw.data() + i * sizeof(Stored), sizeof(Stored));
    values[i] = static_cast<Value>(convert(stored));
  }
  return values;
}

std::int64_t count_of(const TensorParts& parts, const ProtobufReader& reader) {
  if (parts.shape.size() > kDimensions) reader.fail(fmt::format("{}: more than 8 dimensions", parts.name));
  std::int64_t count = 1;
  for (const std::int64_t size : parts.shape) {
    if (size < 0 || __builtin_mul_overflow(count, size, &count)) {
      reader.fail(fmt::format("constant {}: an impossible size", parts.name));
    }
  }
  return count;
}

/// Of one value in raw bytes; 0 for types that are not read.
std::size_t item_bytes(std::int64_t type) {
  switch (type) {
    case TensorProto::kFloat16:
    case TensorProto::kBfloat16:
      return 2;
    case TensorProto::kFloat:
    case TensorProto::kInt32:
      return 4;
    case TensorProto::kDouble:
    case TensorProto::kInt64:
      return 8;
    default:
      return 0;
  }
}

std::vector<float> floats_of(const TensorParts& parts) {
  const auto same = [](auto value) { return value; };
  switch (parts.type) {
    case TensorProto::kFloat:
      return parts.raw.empty() ? parts.floats : unpack<float, float>(parts.raw, same);
    case TensorProto::kDouble:
      if (parts.raw.empty()) return {parts.doubles.begin(), parts.doubles.end()};
      return unpack<double, float>(parts.raw, same);
    default: {  // half precisions: their bits lie in int32_data
      const auto widen = [&](std::uint16_t bits) {
        return parts.type == TensorProto::kFloat16 ? from_half(bits) : from_bfloat16(bits);
      };
      if (!parts.raw.empty()) return unpack<std::uint16_t, float>(parts.raw, widen);
      std::vector<float> values;
      for (const std::int64_t bits : parts.integers) values.push_back(widen(static_cast<std::uint16_t>(bits)));
      return values;
    }
  }
}

/// The tensor and its name.
std::pair<std::string, OnnxTensor> read_tensor(const ProtobufReader& reader) {
  TensorParts parts = read_parts(reader);
  const auto refuse = [&](std::string_view what) { reader.fail(fmt::format("constant {}: {}", parts.name, what)); };
  if (parts.location != 0) refuse("its values are in another file, which is not read");
  const std::size_t item = item_bytes(parts.type);
  if (item == 0) {
    refuse(fmt::format("values of type {} of ONNX; floats of any size, int32 and int64 are read", parts.type));
  }
  if (parts.raw.size() % item != 0) refuse("a value that is cut off");
  const std::int64_t count = count_of(parts, reader);
  OnnxTensor tensor;
  std::size_t found = 0;
  const auto same = [](auto value) { return value; };
  if (parts.type == TensorProto::kInt32 || parts.type == TensorProto::kInt64) {
    std::vector<std::int64_t> values = std::move(parts.integers);
    if (!parts.raw.empty()) {
      values = item == 8 ? unpack<std::int64_t, std::int64_t>(parts.raw, same)
                         : unpack<std::int32_t, std::int64_t>(parts.raw, same);
    }
    found = values.size();
    tensor.values = std::move(values);
  } else {
    std::vector<float> values = floats_of(parts);
    for (const float value : values) {
      if (!std::isfinite(value)) refuse("a value that is not finite");
    }
    found = values.size();
    tensor.values = std::move(values);
  }
  if (static_cast<std::int64_t>(found) != count) refuse(fmt::format("expected {} values, found {}", count, found));
  tensor.shape = std::move(parts.shape);
  return {std::move(parts.name), std::move(tensor)};
}

std::pair<std::string, OnnxAttribute> read_attribute(ProtobufReader reader) {
  std::string name;
  std::int64_t type = 0;
  OnnxAttribute value;
  std::vector<float> floats;
  std::vector<std::int64_t> integers;
  while (const auto field = reader.next()) {
    switch (field->number) {
      case AttributeProto::name:
        name = reader.text(*field);
        break;
      case AttributeProto::type:
        type = reader.integer(*field);
        break;
      case AttributeProto::f:
        value = reader.number<float>(*field);
        break;
      case AttributeProto::i:
        value = reader.integer(*field);
        break;
      case AttributeProto::s:
        value = reader.text(*field);
        break;
      case AttributeProto::t:
        value = read_tensor(reader.message(*field)).second;
        break;
      case AttributeProto::floats:
        reader.numbers(*field, floats);
        break;
      case AttributeProto::ints:
        reader.integers(*field, integers);
        break;
      default:
        break;
    }
  }
  if (type == AttributeProto::kFloats) value = std::move(floats);
  if (type == AttributeProto::kInts) value = std::move(integers);
  return {std::move(name), std::move(value)};
}

OnnxNode read_node(ProtobufReader reader) {
  OnnxNode node;
  std::string domain;
  while (const auto field = reader.next()) {
    switch (field->number) {
      case NodeProto::input:
        node.inputs.push_back(reader.text(*field));
        break;
      case NodeProto::output:
        node.outputs.push_back(reader.text(*field));
        break;
      case NodeProto::name:
        node.name = reader.text(*field);
        break;
      case NodeProto::op_type:
        node.operation = reader.text(*field);
        break;
      case NodeProto::domain:
        domain = reader.text(*field);
        break;
      case NodeProto::attribute:
        node.attributes.insert(read_attribute(reader.message(*field)));
        break;
      default:
        break;
    }
  }
  if (!domain.empty() && domain != "ai.onnx") node.operation = domain + "." + node.operation;
  return node;
}

/// One size of a shape: −1 where it has a name or nothing.
std::int64_t read_size(ProtobufReader reader) {
  std::int64_t size = -1;
  while (const auto field = reader.next()) {
    if (field->number == TensorShapeProto::dim_value) size = reader.integer(*field);
  }
  return size;
}

OnnxValue read_value(ProtobufReader reader) {
  OnnxValue value;
  while (const auto field = reader.next()) {
    if (field->number == ValueInfoProto::name) value.name = reader.text(*field);
    if (field->number != ValueInfoProto::type) continue;
    ProtobufReader type = reader.message(*field);
    while (const auto kind = type.next()) {
      if (kind->number != TypeProto::tensor_type) continue;
      ProtobufReader tensor = type.message(*kind);
      while (const auto part = tensor.next()) {
        if (part->number != TypeProto::shape) continue;
        ProtobufReader shape = tensor.message(*part);
        while (const auto size = shape.next()) {
          if (size->number == TensorShapeProto::dim) value.shape.push_back(read_size(shape.message(*size)));
        }
      }
    }
  }
  return value;
}

void read_graph(ProtobufReader reader, OnnxModel& model) {
  while (const auto field = reader.next()) {
    switch (field->number) {
      case GraphProto::node:
        if (model.nodes.size() == kMostNodes) reader.fail(fmt::format("more than {} nodes", kMostNodes));
        model.nodes.push_back(read_node(reader.message(*field)));
        break;
      case GraphProto::name:
        model.name = reader.text(*field);
        break;
      case GraphProto::initializer: {
        const ProtobufReader tensor = reader.message(*field);
        auto constant = read_tensor(tensor);
        const std::string name = constant.first;
        if (!model.constants.insert(std::move(constant)).second) tensor.fail("duplicate constant " + name);
        break;
      }
      case GraphProto::input:
        model.inputs.push_back(read_value(reader.message(*field)));
        break;
      case GraphProto::output:
        model.outputs.push_back(read_value(reader.message(*field)));
        break;
      default:
        break;
    }
  }
  std::erase_if(model.inputs, [&](const OnnxValue& input) { return model.constants.contains(input.name); });
}

}  // namespace

OnnxModel parse_onnx(std::span<const std::byte> bytes, const std::string& path) {
  ProtobufReader reader(bytes, path);
  OnnxModel model;
  bool has_graph = false;
  while (const auto field = reader.next()) {
    if (field->number == ModelProto::graph) {
      if (has_graph) reader.fail("a second graph");
      has_graph = true;
      read_graph(reader.message(*field), model);
    } else if (field->number == ModelProto::opset_import) {
      ProtobufReader operators = reader.message(*field);
      std::string domain;
      std::int64_t version = 0;
      while (const auto part = operators.next()) {
        if (part->number == OperatorSetIdProto::domain) domain = operators.text(*part);
        if (part->number == OperatorSetIdProto::version) version = operators.integer(*part);
      }
      if (domain.empty() || domain == "ai.onnx") model.operator_set = version;
    } else if (field->number == ModelProto::metadata_props) {
      ProtobufReader entry = reader.message(*field);
      std::string key;
      std::string value;
      while (const auto part = entry.next()) {
        if (part->number == StringStringEntryProto::key) key = entry.text(*part);
        if (part->number == StringStringEntryProto::value) value = entry.text(*part);
      }
      model.metadata[key] = value;
    }
  }
  if (!has_graph) throw FormatError(path, 0, "no ONNX model: it has no graph");
  return model;
}

}  // namespace twinpatch
