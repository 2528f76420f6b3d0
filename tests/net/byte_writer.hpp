// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace twinpatch::test {

/// Builds the bytes of a binary file, little-endian.
class ByteWriter {
 public:
  template <class T>
  ByteWriter& add(T value) {
    for (const std::byte byte : std::bit_cast<std::array<std::byte, sizeof(T)>>(value)) bytes_.push_back(byte);
    return *this;
  }
  ByteWriter& i32(std::int64_t value) { return add(static_cast<std::int32_t>(value)); }
  ByteWriter& i64(std::int64_t value) { return add(value); }
  /// int32 length and the bytes.
  ByteWriter& text(std::string_view text) {
    i32(static_cast<std::int64_t>(text.size()));
    for (const char c : text) add(c);
    return *this;
  }
  ByteWriter& floats(std::span<const float> values) {
    for (const float value : values) add(value);
    return *this;
  }
  [[nodiscard]] std::vector<std::byte>& bytes() { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace twinpatch::test
