// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "twinpatch/core/file.hpp"

// Torch7's binary serialisation, as far as networks need it. Little-endian, 8-byte longs. An object is an int32 tag: 0
// nil; 1 number, float64; 2 string, int32 length and bytes; 3 table, int32 reference, int32 count, keys and values; 4
// torch object, int32 reference, string "V 1", string class, content; 5 boolean, int32. A reference met before stands
// for the object it was given to. Content of a tensor: int32 dimensions, int64 sizes, int64 strides, int64 offset from
// 1, storage; of a storage: int64 count and values; of any other class: one object.

namespace twinpatch::net {

/// One object of the file. Objects point at each other as the file's references do, cycles included; the file owns
/// them.
struct Torch7Object {
  enum class Kind { nil, number, text, boolean, table, tensor, storage, other } kind = Kind::nil;
  std::int64_t offset = 0;  ///< in the file, for messages
  double number = 0;        ///< of a boolean too: 0 or 1
  std::string text;         ///< of a string; of a tensor, storage or other: the class
  std::vector<std::pair<const Torch7Object*, const Torch7Object*>> entries;  ///< of a table
  const Torch7Object* content = nullptr;                                     ///< of another class; storage of a tensor
  std::vector<std::int64_t> sizes;                                           ///< of a tensor
  std::vector<std::int64_t> strides;                                         ///< of a tensor
  std::int64_t first = 0;                                                    ///< of a tensor: from 0
  std::span<const std::byte> values;                                         ///< of a storage

  /// Value of a key of a table, or of the table another class consists of; null where there is none.
  [[nodiscard]] const Torch7Object* find(std::string_view key) const;
  /// Values under 1, 2, … of a table.
  [[nodiscard]] std::vector<const Torch7Object*> list() const;
};

class Torch7File {
 public:
  /// Reads the whole of the bytes as one object. They must outlive the file. Throws FormatError.
  Torch7File(std::span<const std::byte> bytes, const std::string& path);
  [[nodiscard]] const Torch7Object& root() const { return *root_; }
  /// Values of a float or double tensor in row-major order. Throws FormatError unless it has `count` of them, all
  /// finite.
  [[nodiscard]] std::vector<float> floats(const Torch7Object& tensor, std::int64_t count) const;
  [[noreturn]] void fail(const Torch7Object& object, std::string_view what) const;

 private:
  class Parser;
  std::string path_;
  std::vector<std::unique_ptr<Torch7Object>> objects_;
  const Torch7Object* root_ = nullptr;
};

}  // namespace twinpatch::net
