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

constexpr std::int64_t kLongestHeader = 100'000'000;

std::string_view type_name(TensorType type) {
  return type == TensorType::f32 ? "F32" : type == TensorType::f16 ? "F16" : "BF16";
}

std::int64_t type_bytes(TensorType type) { return type == TensorType::f32 ? 4 : 2; }

[[noreturn]] void fail(const std::string& path, const TensorEntry& entry, std::string_view what) {
  throw FormatError(path, entry.where, fmt::format("tensor \"{}\": {}", entry.name, what));
}

TensorType find_type(const TensorEntry& entry, const std::string& path) {
  for (const TensorType type : {TensorType::f32, TensorType::f16, TensorType::bf16}) {
    if (entry.type == type_name(type)) return type;
  }
  fail(path, entry, fmt::format("expected dtype F32, F16 or BF16, found \"{}\"", entry.type));
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

/// Ranges follow each other from 0 to the end of the data, which leaves no byte unclaimed and none claimed twice.
void check_ranges(std::vector<TensorEntry>& entries, std::int64_t data_bytes, std::int64_t data_offset,
                  const std::string& path) {
  std::ranges::sort(entries, [](const TensorEntry& a, const TensorEntry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::int64_t covered = 0;
  for (const TensorEntry& entry : entries) {
    if (entry.begin > entry.end) {
      fail(path, entry, fmt::format("its data_offsets [{}, {}] run backwards", entry.begin, entry.end));
    }
    if (entry.end > data_bytes) {
      fail(path, entry, fmt::format("its data end at {}, the file holds {} bytes of data", entry.end, data_bytes));
    }
    if (entry.begin != covered) {
      fail(path, entry,
           fmt::format("its data begin at {}, expected {} ({})", entry.begin, covered,
                       entry.begin > covered ? "a hole between tensors" : "they overlap another tensor's"));
    }
    covered = entry.end;
  }
  if (covered != data_bytes) {
    throw FormatError(path, data_offset + covered,
                      fmt::format("{} bytes of no tensor at the end", data_bytes - covered));
  }
}

float widen(const std::byte* at, TensorType type) {
  if (type == TensorType::f32) {
    float value = 0.0f;
    std::memcpy(&value, at, sizeof(value));
    return value;
  }
  std::uint16_t bits = 0;
  std::memcpy(&bits, at, sizeof(bits));
  return type == TensorType::f16 ? from_half(bits) : from_bfloat16(bits);
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
                        json_string(name), type_name(tensor.stored_as), fmt::join(tensor.shape, ","), begin, end);
    begin = end;
  }
  json += '}';
  json.resize(static_cast<std::size_t>(round_up(std::ssize(json), 8)), ' ');  // the data start aligned
  if (std::ssize(json) > kLongestHeader) throw InvalidArgument("safetensors: the header would pass 100 MB");
  return json;
}

/// Throws where the type has no finite value for the number.
void check_value(float value, const std::string& name, TensorType type) {
  const float stored = type == TensorType::f32   ? value
                       : type == TensorType::f16 ? from_half(to_half(value))
                                                 : from_bfloat16(to_bfloat16(value));
  if (std::isfinite(stored)) return;
  throw InvalidArgument(
      fmt::format("safetensors: a value of tensor \"{}\" is {}, which {} does not hold", name, value, type_name(type)));
}

/// Writes the tensor's data at `to`; returns where they end.
std::byte* store_tensor(std::byte* to, const std::string& name, const Tensor& tensor) {
  for (const float value : tensor.values) {
    check_value(value, name, tensor.stored_as);
    if (tensor.stored_as == TensorType::f32) {
      std::memcpy(to, &value, sizeof(value));
    } else {
      const std::uint16_t bits = tensor.stored_as == TensorType::f16 ? to_half(value) : to_bfloat16(value);
      std::memcpy(to, &bits, sizeof(bits));
    }
    to += type_bytes(tensor.stored_as);
  }
  return to;
}

}  // namespace

SafeTensors parse_safetensors(std::span<const std::byte> bytes, const std::string& path) {
  ByteReader reader(bytes, path);
  if (bytes.empty()) reader.fail("expected a safetensors model, found an empty file");
  const auto length = reader.read<std::uint64_t>("header length");
  if (length > kLongestHeader) {
    throw FormatError(
        path, 0,
        fmt::format("not a safetensors model: a header of {} bytes, at most {} are read", length, kLongestHeader));
  }
  const auto text = reader.take(static_cast<std::int64_t>(length), "header");
  const std::string_view json(reinterpret_cast<const char*>(text.data()), text.size());
  if (!json.starts_with('{')) throw FormatError(path, 8, "expected the header to begin with {");
  SafeTensorsHeader header = parse_safetensors_header(json, 8, path);

  const std::int64_t data_offset = reader.offset();
  const auto data = reader.take(reader.left(), "data");
  check_ranges(header.entries, std::ssize(data), data_offset, path);
  SafeTensors content;
  content.metadata = std::move(header.metadata);
  for (const TensorEntry& entry : header.entries) {
    content.tensors.emplace(entry.name, read_tensor(entry, data, data_offset, path));
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
