// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace twinpatch {

/// Reads a message of Protocol Buffers field by field; offsets in errors are those of the file. A value, which is as
/// large as a view. Reference: protobuf.dev/programming-guides/encoding. Groups, which nobody uses, are refused.
class ProtobufReader {
 public:
  struct Field {
    int number = 0;
    int wire = 0;                      ///< 0 varint, 1 eight bytes, 2 bytes of a length, 5 four bytes
    std::uint64_t value = 0;           ///< of a varint
    std::span<const std::byte> bytes;  ///< of the others
    std::int64_t offset = 0;           ///< of these in the file
  };

  ProtobufReader(std::span<const std::byte> bytes, const std::string& path, std::int64_t offset = 0)
      : bytes_(bytes), path_(&path), begin_(offset) {}

  /// The next field; nothing at the end.
  [[nodiscard]] std::optional<Field> next();
  [[nodiscard]] std::int64_t integer(const Field& field) const;
  template <class Number>
  [[nodiscard]] Number number(const Field& field) const {
    Number value{};
    const auto from = fixed(field, sizeof(Number));
    std::memcpy(&value, from.data(), sizeof(Number));
    return value;
  }
  [[nodiscard]] std::span<const std::byte> bytes(const Field& field) const;
  [[nodiscard]] std::string text(const Field& field) const;
  [[nodiscard]] ProtobufReader message(const Field& field) const;
  /// Appends the values of a repeated field, packed or one by one.
  void integers(const Field& field, std::vector<std::int64_t>& values) const;
  template <class Number>
  void numbers(const Field& field, std::vector<Number>& values) const {
    if (field.wire != 2) return values.push_back(number<Number>(field));
    if (field.bytes.size() % sizeof(Number) != 0) fail("a list of numbers that is cut off");
    const std::size_t before = values.size();
    values.resize(before + field.bytes.size() / sizeof(Number));
    if (!field.bytes.empty()) std::memcpy(values.data() + before, field.bytes.data(), field.bytes.size());
  }
  [[noreturn]] void fail(std::string_view what) const;

 private:
  [[nodiscard]] std::uint64_t varint();
  [[nodiscard]] std::span<const std::byte> take(std::uint64_t count);
  [[nodiscard]] std::span<const std::byte> fixed(const Field& field, std::size_t count) const;

  std::span<const std::byte> bytes_;
  const std::string* path_;
  std::int64_t begin_;
  std::size_t at_ = 0;
};

}  // namespace twinpatch
