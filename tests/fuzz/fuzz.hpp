// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "twinpatch/core/error.hpp"

// The contract that every target holds a reader to: it returns, or throws twinpatch::Error with a message of one line.
// Any other exception, a signal, a sanitizer's report, more than 2 GiB of memory or 10 seconds is a fault.

namespace twinpatch::fuzz {

using Bytes = std::span<const std::byte>;

/// A target defines this one function; libFuzzer's main calls it with inputs it makes up, replay.cpp with files.
void run_target(Bytes input);

/// Ends the process, naming what does not hold. Not assert: release builds replay the corpora too.
[[noreturn]] void fail(std::string_view what);
inline void require(bool holds, std::string_view what) {
  if (!holds) fail(what);
}

/// True if the call threw what a reader may throw.
template <class Call>
bool refused(const Call& call) {
  try {
    call();
    return false;
  } catch (const Error& error) {
    require(one_line(error.what()) == error.what() && *error.what() != '\0', "a message that is not one line");
    return true;
  }
}

/// A file of this process that holds these bytes, in memory where the system has such a folder. `ending`: ".npy". The
/// next call with the same ending replaces it.
[[nodiscard]] std::filesystem::path scratch_file(Bytes bytes, std::string_view ending);
/// A folder of this process, empty.
[[nodiscard]] std::filesystem::path scratch_folder();
void write_bytes(const std::filesystem::path& path, Bytes bytes);

[[nodiscard]] inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Takes an input apart; once it is used up there are zeros.
class Input {
 public:
  explicit Input(Bytes bytes) : left_(bytes) {}
  template <class Number>
  Number number() {
    static_assert(std::is_trivially_copyable_v<Number>);
    Number value{};
    const Bytes taken = bytes(sizeof(Number));
    if (!taken.empty()) std::memcpy(&value, taken.data(), taken.size());
    return value;
  }
  /// In [0, count).
  int below(int count) { return number<unsigned char>() % count; }
  bool flag() { return below(2) == 1; }
  Bytes bytes(std::size_t count) {
    const Bytes taken = left_.first(std::min(count, left_.size()));
    left_ = left_.subspan(taken.size());
    return taken;
  }
  /// A length in one byte, then so many bytes.
  std::string text() { return std::string(as_text(bytes(number<unsigned char>()))); }
  [[nodiscard]] Bytes rest() { return bytes(left_.size()); }
  [[nodiscard]] bool empty() const { return left_.empty(); }

 private:
  Bytes left_;
};

}  // namespace twinpatch::fuzz
