// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/byte_writer.hpp"

// Files as torch.save writes them, of tensors that a test makes up.

namespace twinpatch::test {

/// A tensor of float32 with a storage of its own.
struct NamedTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

inline std::string as_string(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <class Number>
std::string little_endian(Number value) {
  return as_string(ByteWriter().add(value).bytes());
}

// Pieces of pickles, protocol 2.
namespace pickle {

inline std::string text(std::string_view value) {
  return "X" + little_endian(static_cast<std::int32_t>(value.size())) + std::string(value);
}
inline std::string integer(std::int64_t value) { return "J" + little_endian(static_cast<std::int32_t>(value)); }
inline std::string global(std::string_view module, std::string_view name) {
  return "c" + std::string(module) + "\n" + std::string(name) + "\n";
}
inline std::string integers(const std::vector<std::int64_t>& values) {
  std::string result = "(";
  for (const std::int64_t value : values) result += integer(value);
  return result + "t";
}
inline std::string whole(const std::string& body) { return "\x80\x02" + body + "."; }
inline const std::string kOrderedDict = global("collections", "OrderedDict") + ")R";

/// What names a storage of `count` values.
inline std::string storage(std::string_view key, std::int64_t count, std::string_view type = "FloatStorage") {
  return "(" + text("storage") + global("torch", type) + text(key) + text("cpu") + integer(count) + "tQ";
}
/// A tensor of a storage, in row-major order.
inline std::string tensor(const std::string& storage, const std::vector<std::int64_t>& shape, std::int64_t first = 0) {
  std::vector<std::int64_t> strides(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return global("torch._utils", "_rebuild_tensor_v2") + "(" + storage + integer(first) + integers(shape) +
         integers(strides) + "\x89" + kOrderedDict + "tR";
}

/// An OrderedDict of the tensors, whose storages are numbered.
inline std::string dictionary(const std::vector<NamedTensor>& tensors) {
  std::string result = kOrderedDict + "(";
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const auto count = static_cast<std::int64_t>(tensors[i].values.size());
    result += text(tensors[i].name) + tensor(storage(std::to_string(i), count), tensors[i].shape);
  }
  return result + "u";
}

}  // namespace pickle

/// A zip archive of files that are stored, by name; without checksums, as PyTorch may write it.
inline std::string as_zip(const std::vector<std::pair<std::string, std::string>>& files) {
  const auto sizes = [](const std::string& name, const std::string& content) {
    const auto size = static_cast<std::uint32_t>(content.size());
    return little_endian(std::uint32_t{0}) + little_endian(size) + little_endian(size) +
           little_endian(static_cast<std::uint16_t>(name.size())) + little_endian(std::uint16_t{0});
  };
  std::string archive;
  std::string directory;
  for (const auto& [name, content] : files) {
    const auto place = static_cast<std::uint32_t>(archive.size());
    archive += "PK\x03\x04" + std::string(10, '\0') + sizes(name, content) + name + content;
    directory += "PK\x01\x02" + std::string(12, '\0') + sizes(name, content) + std::string(10, '\0') +
                 little_endian(place) + name;
  }
  const auto count = static_cast<std::uint16_t>(files.size());
  return archive + directory + "PK\x05\x06" + std::string(4, '\0') + little_endian(count) + little_endian(count) +
         little_endian(static_cast<std::uint32_t>(directory.size())) +
         little_endian(static_cast<std::uint32_t>(archive.size())) + std::string(2, '\0');
}

/// `body`: a pickle without PROTO and STOP whose storages are those of `tensors`.
inline std::string as_torch_archive(const std::string& body, const std::vector<NamedTensor>& tensors) {
  std::vector<std::pair<std::string, std::string>> files{{"archive/data.pkl", pickle::whole(body)},
                                                         {"archive/byteorder", "little"}};
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    files.emplace_back("archive/data/" + std::to_string(i), as_string(ByteWriter().floats(tensors[i].values).bytes()));
  }
  return as_zip(files);
}
/// As PyTorch wrote before 1.6.
inline std::string as_torch_legacy(const std::string& body, const std::vector<NamedTensor>& tensors) {
  const std::string magic("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 12);
  std::string file = pickle::whole(magic) + pickle::whole(pickle::integer(1001)) +
                     pickle::whole("}" + pickle::text("little_endian") + "\x88s") + pickle::whole(body);
  std::string keys = "](";
  std::string storages;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    keys += pickle::text(std::to_string(i));
    storages += little_endian(static_cast<std::int64_t>(tensors[i].values.size())) +
                as_string(ByteWriter().floats(tensors[i].values).bytes());
  }
  return file + pickle::whole(keys + "e") + storages;
}

}  // namespace twinpatch::test
