// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/formats/safetensors.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "safetensors_header.hpp"
#include "twinpatch/core/checked.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/core/half.hpp"

namespace twinpatch {

namespace {

constexpr auto kTypes = {TensorType::f32, TensorType::f16, TensorType::bf16, TensorType::i8};

std::int64_t type_bytes(TensorType type) { return type == TensorType::f32 ? 4 : type == TensorType::i8 ? 1 : 2; }

[[noreturn]] void fail(const std::string& path, const TensorEntry& entry, std::string_view what) {
  throw FormatError(path, entry.where, fmt::format("tensor \"{}\": {}", entry.name, what));
}

TensorType find_type(const TensorEntry& entry, const std::string& path) {
  for (const TensorType type : kTypes) {
    if (entry.type == to_string(type)) return type;
  }
  fail(path, entry, fmt::format("expected dtype F32, F16, BF16 or I8, found \"{}\"", entry.type));
}

std::int64_t element_count(const TensorEntry& entry, const std::string& path) {
  std::int64_t count = 1;
  for (const std::int64_t extent : entry.shape) {
    if (__builtin_mul_overflow(count, extent, &count)) {
      fail(path, entry, fmt::format("the shape [{}] overflows 64 bits", fmt::join(entry.shape, ", ")));
    }
  }
  return count;
}

float widen(const std::byte* at, TensorType type) {
  const auto read = [at]<class Number>(Number number) {
    std::memcpy(&number, at, sizeof(number));
    return number;
  };
  switch (type) {
    case TensorType::f32:
      return read(float{});
    case TensorType::f16:
      return from_half(read(std::uint16_t{}));
    case TensorType::bf16:
      return from_bfloat16(read(std::uint16_t{}));
    case TensorType::i8:
      return static_cast<float>(read(std::int8_t{}));
  }
  return 0;
}

Tensor read_tensor(const TensorEntry& entry, std::span<const std::byte> data, std::int64_t data_offset,
                   const std::string& path) {
  Tensor tensor;
  tensor.stored_as = find_type(entry, path);
  tensor.shape = entry.shape;
  const std::int64_t count = element_count(entry, path);
  const std::int64_t item = type_bytes(tensor.stored_as);
  std::int64_t bytes = 0;
  if (__builtin_mul_overflow(count, item, &bytes) || bytes != entry.end - entry.begin) {
    fail(path, entry,
         fmt::format("the shape [{}] of {} does not fill its {} bytes", fmt::join(entry.shape, ", "), entry.type,
                     entry.end - entry.begin));
  }
  tensor.values.resize(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    const float value = widen(data.data() + entry.begin + i * item, tensor.stored_as);
    if (!std::isfinite(value)) {
      throw FormatError(path, data_offset + entry.begin + i * item,
                        fmt::format("tensor \"{}\": element {} is {}, expected a finite number", entry.name, i, value));
    }
    tensor.values[static_cast<std::size_t>(i)] = value;
  }
  return tensor;
}

std::string json_string(const std::string& text) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::exception&) {
    throw InvalidArgument("safetensors: a name or a value of the metadata is not valid UTF-8");
  }
}

void check_tensor(const std::string& name, const Tensor& tensor) {
  if (name == "__metadata__") throw InvalidArgument("safetensors: a tensor cannot be named __metadata__");
  std::int64_t count = 1;
  for (const std::int64_t extent : tensor.shape) {
    if (extent < 0) throw ShapeError(fmt::format("safetensors: negative size in the shape of tensor \"{}\"", name));
    count = checked_multiply(count, extent);
  }
  if (count != std::ssize(tensor.values)) {
    throw ShapeError(fmt::format("safetensors: tensor \"{}\" of shape [{}] holds {} values", name,
                                 fmt::join(tensor.shape, ", "), tensor.values.size()));
  }
}

std::string make_header(const SafeTensors& content) {
  std::string json = "{";
  if (!content.metadata.empty()) {
    json += "\"__metadata__\":{";
    for (const auto& [key, value] : content.metadata) {
      json += fmt::format("{}{}:{}", json.back() == '{' ? "" : ",", json_string(key), json_string(value));
    }
    json += '}';
  }
  std::int64_t begin = 0;
  for (const auto& [name, tensor] : content.tensors) {
    check_tensor(name, tensor);
    const std::int64_t end = begin + std::ssize(tensor.values) * type_bytes(tensor.stored_as);
    json += fmt::format(R"({}{}:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", json.back() == '{' ? "" : ",",
                        json_string(name), to_string(tensor.stored_as), fmt::join(tensor.shape, ","), begin, end);
    begin = end;
  }
  json += '}';
  json.resize(static_cast<std::size_t>(round_up(std::ssize(json), 8)), ' ');  // the data start aligned
  if (std::ssize(json) > kLongestSafeTensorsHeader)
    throw InvalidArgument("safetensors: the header would exceed 16 MiB");
  return json;
}

/// Writes one value at `to`. Throws where the type has no finite value for the number, or not that number.
void store(std::byte* to, float value, const std::string& name, TensorType type) {
  const auto write = [&](auto number, float stored) {
    if (!std::isfinite(stored) || (type == TensorType::i8 && stored != value))
      throw InvalidArgument(fmt::format("safetensors: a value of tensor \"{}\" is {}, which {} cannot hold", name,
                                        value, to_string(type)));
    std::memcpy(to, &number, sizeof(number));
  };
  switch (type) {
    case TensorType::f32:
      return write(value, value);
    case TensorType::f16:
      return write(to_half(value), from_half(to_half(value)));
    case TensorType::bf16:
      return write(to_bfloat16(value), from_bfloat16(to_bfloat16(value)));
    case TensorType::i8: {
      const auto whole = static_cast<std::int8_t>(std::clamp(std::isfinite(value) ? value : 0.0F, -128.0F, 127.0F));
      return write(whole, static_cast<float>(whole));
    }
  }
}

/// Writes the tensor's data at `to`; returns where they end.
std::byte* store_tensor(std::byte* to, const std::string& name, const Tensor& tensor) {
  for (const float value : tensor.values) {
    store(to, value, name, tensor.stored_as);
    to += type_bytes(tensor.stored_as);
  }
  return to;
}

}  // namespace

std::string_view to_string(TensorType type) {
  switch (type) {
    case TensorType::f32:
      return "F32";
    case TensorType::f16:
      return "F16";
    case TensorType::bf16:
      return "BF16";
    case TensorType::i8:
      return "I8";
  }
  return "?";
}

SafeTensors parse_safetensors(std::span<const std::byte> bytes, const std::string& path) {
  SafeTensorsLayout layout = read_safetensors_layout(bytes, path);
  SafeTensors content;
  content.metadata = std::move(layout.header.metadata);
  for (const TensorEntry& entry : layout.header.entries) {
    content.tensors.emplace(entry.name, read_tensor(entry, layout.data, layout.data_offset, path));
  }
  return content;
}

SafeTensors read_safetensors(const std::filesystem::path& path) {
  const MappedFile file(path);
  return parse_safetensors(file.bytes(), path.string());
}

std::vector<std::byte> serialize_safetensors(const SafeTensors& content) {
  const std::string header = make_header(content);
  const std::uint64_t header_bytes = header.size();
  std::int64_t data_bytes = 0;
  for (const auto& [name, tensor] : content.tensors) {
    data_bytes += std::ssize(tensor.values) * type_bytes(tensor.stored_as);
  }
  std::vector<std::byte> bytes(sizeof(header_bytes) + header.size() + static_cast<std::size_t>(data_bytes));
  std::byte* to = bytes.data();
  std::memcpy(to, &header_bytes, sizeof(header_bytes));
  std::memcpy(to + sizeof(header_bytes), header.data(), header.size());
  to += sizeof(header_bytes) + header.size();
  for (const auto& [name, tensor] : content.tensors) to = store_tensor(to, name, tensor);
  return bytes;
}

void write_safetensors(const std::filesystem::path& path, const SafeTensors& content) {
  const std::vector<std::byte> bytes = serialize_safetensors(content);
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

}  // namespace twinpatch
