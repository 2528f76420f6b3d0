// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "layers.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/net/model.hpp"

// The weights of cvpr15deepcompare, little-endian: int32 length and name of a type, then for each layer with weights
// int32 number of the module (from 1), int32 count of weights, int32 count of biases, float32 weights [out, in, kh, kw]
// and biases. No magic number, no version, no shapes: the type implies them.

namespace twinpatch {
namespace {

struct Type {
  const char* name;
  const char* network;
  enum class Part { whole, descriptor, decision } part = Part::whole;
};

constexpr Type kTypes[] = {
    {"2ch", "2ch"},
    {"2chdeep", "2ch-deep"},
    {"2ch2stream", "2ch-2stream"},
    {"siam", "siam"},
    {"siam_desc", "siam", Type::Part::descriptor},
    {"siam_decision", "siam", Type::Part::decision},
    {"siam2stream", "siam-2stream"},
    {"siam2stream_desc", "siam-2stream", Type::Part::descriptor},
    {"siam2stream_decision", "siam-2stream", Type::Part::decision},
};

const Type& read_type(ByteReader& reader) {
  const auto length = reader.read<std::int32_t>("length of the type's name");
  if (length < 1 || length > 64) reader.fail(fmt::format("a type's name has 1 to 64 bytes, found {}", length));
  const auto bytes = reader.take(length, "the type's name");
  const std::string name(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::string known;
  for (const Type& type : kTypes) {
    if (name == type.name) return type;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", type.name);
  }
  reader.fail(fmt::format("the type must be one of {}, found \"{}\"", known, name));
}

Tensor read_tensor(ByteReader& reader, const WeightShape& weight, std::int64_t count) {
  Tensor tensor{.shape = weight.shape, .values = {}};
  const auto bytes = reader.take(count * std::int64_t{sizeof(float)}, weight.name);
  tensor.values.resize(static_cast<std::size_t>(count));
  std::memcpy(tensor.values.data(), bytes.data(), bytes.size());
  for (const float value : tensor.values) {
    if (!std::isfinite(value)) reader.fail(fmt::format("weights {} hold a value that is not finite", weight.name));
  }
  return tensor;
}

std::int64_t size_of(const WeightShape& weight) {
  std::int64_t count = 1;
  for (const std::int64_t size : weight.shape) count *= size;
  return count;
}

/// One record of the file: the weights and biases of one layer.
void read_layer(ByteReader& reader, const Type& type, const WeightShape& weight, const WeightShape& bias,
                Model& model) {
  const auto module = reader.read<std::int32_t>("number of a module");
  if (module < 1 || module > 1000) {
    reader.fail(fmt::format("the number of a module must be 1 to 1000, found {} ({})", module, weight.name));
  }
  for (const WeightShape* part : {&weight, &bias}) {
    const auto found = reader.read<std::int32_t>("count of weights");
    if (found != size_of(*part)) {
      reader.fail(
          fmt::format("{} of a {} must have {} values, found {}", part->name, type.name, size_of(*part), found));
    }
  }
  model.weights.emplace(weight.name, read_tensor(reader, weight, size_of(weight)));
  model.weights.emplace(bias.name, read_tensor(reader, bias, size_of(bias)));
}

}  // namespace

Model import_deepcompare_bin(std::span<const std::byte> bytes, const std::string& path) {
  ByteReader reader(bytes, path);
  const Type& type = read_type(reader);
  if (type.part == Type::Part::decision) {
    reader.fail(
        fmt::format("a {} holds only the decision part, without its tower: import the whole "
                    "network's file (type {})",
                    type.name, std::string_view(type.name).substr(0, std::strlen(type.name) - 9)));
  }
  Model model;
  model.spec = network(type.network);
  model.descriptor_only = type.part == Type::Part::descriptor;
  model.metadata["imported"] = fmt::format("cvpr15deepcompare .bin, type {}", type.name);
  model.metadata["license"] = "weights by the authors of cvpr15deepcompare: their terms apply";
  // Weights and biases alternate: every layer of these networks with weights has both.
  const std::vector<WeightShape> shapes = weight_shapes(model.spec, model.descriptor_only);
  for (std::size_t i = 0; i + 1 < shapes.size(); i += 2) read_layer(reader, type, shapes[i], shapes[i + 1], model);
  if (reader.left() != 0) reader.fail(fmt::format("a {} ends here, {} bytes follow", type.name, reader.left()));
  check(model);
  return model;
}

Model import_deepcompare_bin(const std::filesystem::path& path) {
  return import_deepcompare_bin(MappedFile(path).bytes(), path.string());
}

}  // namespace twinpatch
