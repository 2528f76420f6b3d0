// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace twinpatch {

/// XXH3 (xxhash.com) over what is added, in order: 128 bits as 32 hex digits, 64 for checksums of files.
class Hash {
 public:
  Hash();
  ~Hash();
  Hash(const Hash&) = delete;             // a running state
  Hash& operator=(const Hash&) = delete;  // likewise

  void add_bytes(std::span<const std::byte> bytes);
  /// The length goes in first, so that "ab" + "c" is not "a" + "bc".
  Hash& add(std::string_view text);
  Hash& add(std::int64_t value);
  [[nodiscard]] std::string hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

[[nodiscard]] std::uint64_t checksum(std::span<const std::byte> bytes);

}  // namespace twinpatch
