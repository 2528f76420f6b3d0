// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

#include "file_kind.hpp"
#include "row_quantisation.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/core/half.hpp"
#include "twinpatch/formats/stored_tensor.hpp"
#include "twinpatch/net/model.hpp"

namespace twinpatch {
namespace {

constexpr const char* kPrefix = "twinpatch.";
constexpr const char* kSpec = "twinpatch.spec";
constexpr const char* kHash = "twinpatch.hash";
constexpr const char* kDescriptorOnly = "twinpatch.descriptor_only";
constexpr std::int64_t kNowhere = -1;

/// Removes a metadata entry and returns it.
std::optional<std::string> take(std::map<std::string, std::string>& metadata, const char* key) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) return std::nullopt;
  std::string value = std::move(found->second);
  metadata.erase(found);
  return value;
}

bool take_flag(std::map<std::string, std::string>& metadata, const char* key, const std::string& path) {
  const std::string value = take(metadata, key).value_or("false");
  if (value != "true" && value != "false") {
    throw FormatError(path, kNowhere, fmt::format("metadata \"{}\" must be true or false, found \"{}\"", key, value));
  }
  return value == "true";
}

constexpr const char* kScale = ".scale";  // behind the name of a tensor of 8-bit integers: its scales

void check_storable(const std::string& name, const Tensor& tensor) {
  for (const float value : tensor.values) {
    float stored = value;
    if (tensor.stored_as == TensorType::f16) stored = from_half(to_half(value));
    if (tensor.stored_as == TensorType::bf16) stored = from_bfloat16(to_bfloat16(value));
    if (!std::isfinite(stored))
      throw InvalidArgument(
          fmt::format("weights {}: {} cannot be stored as a finite {}", name, value, to_string(tensor.stored_as)));
  }
}

/// 8-bit tensors as integers and, beside them, their scales.
void split_scales(std::map<std::string, Tensor>& tensors) {
  std::map<std::string, Tensor> scales;
  for (auto& [name, tensor] : tensors) {
    if (tensor.stored_as != TensorType::i8) continue;
    net::QuantisedRows rows = net::quantise_rows(tensor);
    tensor.values.assign(rows.values.begin(), rows.values.end());
    const auto count = std::ssize(rows.scales);
    scales[name + kScale] = {{count}, std::move(rows.scales), TensorType::f32};
  }
  tensors.merge(scales);
}

/// The reverse: values in the place of integers, and no scales.
void join_scales(std::map<std::string, Tensor>& tensors, const std::string& path) {
  std::vector<std::string> quantised;
  for (const auto& [name, tensor] : tensors)
    if (tensor.stored_as == TensorType::i8) quantised.push_back(name);
  for (const std::string& name : quantised) {
    Tensor& tensor = tensors.at(name);
    const auto scale = tensors.find(name + kScale);
    const std::vector<std::int64_t> expected{tensor.shape.empty() ? 1 : tensor.shape.front()};
    if (scale == tensors.end() || scale->second.stored_as == TensorType::i8 || scale->second.shape != expected)
      throw FormatError(path, kNowhere,
                        fmt::format("weights {} are 8-bit integers: expected their scales {}{} of shape [{}]", name,
                                    name, kScale, expected.front()));
    tensor.values = net::values_of(
        {.values = {tensor.values.begin(), tensor.values.end()}, .scales = std::move(scale->second.values)});
    if (!std::ranges::all_of(tensor.values, [](float value) { return std::isfinite(value); }))
      throw FormatError(path, kNowhere, fmt::format("weights {}: a scale makes one of them infinite", name));
    tensors.erase(scale);
  }
}

Model assemble(SafeTensors content, const std::string& path) {
  auto& metadata = content.metadata;
  Model model;
  const std::optional<std::string> spec = take(metadata, kSpec);
  if (!spec) {
    throw FormatError(path, kNowhere,
                      fmt::format("not a twinpatch model: metadata \"{}\" is missing (weights alone: twinpatch model "
                                  "convert --network)",
                                  kSpec));
  }
  model.spec = spec_from_json(*spec, path);
  const std::optional<std::string> hash = take(metadata, kHash);
  model.descriptor_only = take_flag(metadata, kDescriptorOnly, path);
  const auto unknown = metadata.lower_bound(kPrefix);
  if (unknown != metadata.end() && unknown->first.starts_with(kPrefix)) {
    throw FormatError(path, kNowhere, fmt::format("metadata \"{}\" is unknown to this version", unknown->first));
  }
  join_scales(content.tensors, path);
  model.weights = std::move(content.tensors);
  model.metadata = std::move(metadata);
  try {
    check(model);
  } catch (const ShapeError& error) {
    throw ShapeError(fmt::format("{}: {}", path, error.what()));
  }
  if (!hash) return model;  // written by other programs
  const std::string found = model_hash(model);
  if (found != *hash) {
    throw FormatError(path, kNowhere, fmt::format("damaged: its hash is {}, its weights have {}", *hash, found));
  }
  return model;
}

}  // namespace

namespace net {

FileKind file_kind(std::span<const std::byte> bytes) {
  if (is_torch_file(bytes)) return FileKind::torch;
  if (bytes.size() < 16) return FileKind::unknown;
  const auto character = [&](std::size_t i) { return static_cast<char>(bytes[i]); };
  std::uint32_t first = 0;
  std::memcpy(&first, bytes.data(), sizeof(first));
  // A table or an object, its number, and the length of "V 1".
  if ((first == 3 || first == 4) && character(8) == 3 && character(12) == 'V') return FileKind::torch7;
  if (character(8) == '{' && character(7) == 0 && character(6) == 0) return FileKind::safetensors;
  if (first >= 1 && first <= 64 && first + 4 <= bytes.size()) {
    const auto name_like = [](std::byte b) {
      const char c = static_cast<char>(b);
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    };
    const auto name = bytes.subspan(4, first);
    if (std::all_of(name.begin(), name.end(), name_like)) return FileKind::deepcompare_bin;
  }
  // A ModelProto begins with its ir_version, and then one of its first fields (protobuf has no magic number).
  constexpr std::string_view kSecondField = "\x12\x1a\x22\x28\x32\x3a\x42";
  if (character(0) == '\x08' && kSecondField.find(character(2)) != std::string_view::npos) return FileKind::onnx;
  return FileKind::unknown;
}

}  // namespace net

namespace {

/// Weights without a network.
void refuse_weights(net::FileKind kind, const std::string& path) {
  if (kind != net::FileKind::torch && kind != net::FileKind::onnx) return;
  throw FormatError(path, 0,
                    fmt::format("{}, which does not say of which network: twinpatch model convert --network",
                                kind == net::FileKind::torch ? "a PyTorch file" : "an ONNX graph"));
}

}  // namespace

Model load_model(std::span<const std::byte> bytes, const std::string& path) {
  const net::FileKind kind = net::file_kind(bytes);
  if (kind == net::FileKind::deepcompare_bin || kind == net::FileKind::torch7) {
    throw FormatError(path, 0,
                      fmt::format("a {} file: convert it first (twinpatch model convert)",
                                  kind == net::FileKind::torch7 ? "Torch7" : "cvpr15deepcompare .bin"));
  }
  refuse_weights(kind, path);
  return assemble(parse_safetensors(bytes, path), path);
}

Model load_model(const std::filesystem::path& path) { return load_model(MappedFile(path).bytes(), path.string()); }

void save_model(const std::filesystem::path& path, const Model& model) {
  check(model);
  SafeTensors content{.tensors = model.weights, .metadata = model.metadata};
  for (const auto& [name, tensor] : model.weights) check_storable(name, tensor);
  for (const auto& [key, value] : model.metadata) {
    if (key.starts_with(kPrefix)) {
      throw InvalidArgument(fmt::format("metadata \"{}\": keys that begin with \"{}\" are reserved", key, kPrefix));
    }
  }
  content.metadata[kSpec] = to_json(model.spec);
  content.metadata[kHash] = model_hash(model);
  content.metadata[kDescriptorOnly] = model.descriptor_only ? "true" : "false";
  split_scales(content.tensors);
  write_safetensors(path, content);
}

Model import_model(std::span<const std::byte> bytes, const std::string& path) {
  const net::FileKind kind = net::file_kind(bytes);
  refuse_weights(kind, path);
  switch (kind) {
    case net::FileKind::safetensors:
      return load_model(bytes, path);
    case net::FileKind::deepcompare_bin:
      return import_deepcompare_bin(bytes, path);
    case net::FileKind::torch7:
      return import_torch7(bytes, path);
    case net::FileKind::torch:
    case net::FileKind::onnx:
    case net::FileKind::unknown:
      break;
  }
  throw FormatError(path, 0, "not a model: expected safetensors, cvpr15deepcompare .bin or Torch7 .t7");
}

Model import_model(const std::filesystem::path& path) { return import_model(MappedFile(path).bytes(), path.string()); }

}  // namespace twinpatch
