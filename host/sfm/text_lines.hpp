// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace twinpatch {

/// Walks over the lines of a text file and the fields of a line. Errors name file, line and what was expected.
class TextLines {
 public:
  TextLines(std::string_view text, std::string path) : rest_(text), path_(std::move(path)) {}

  /// The next line, without its end; false after the last one.
  bool next();
  /// The next line that is neither empty nor a comment (#).
  bool next_filled();

  /// Fields of the current line, separated by blanks.
  [[nodiscard]] bool has_field();
  std::string_view field(std::string_view what);
  double real(std::string_view what);  ///< finite
  std::int64_t integer(std::string_view what);
  std::int64_t integer(std::string_view what, std::int64_t low, std::int64_t high);
  /// All that is left of the line, without blanks around it.
  std::string_view remainder(std::string_view what);
  [[noreturn]] void fail(std::string_view what) const;

 private:
  std::string_view rest_;
  std::string_view line_;
  std::int64_t number_ = 0;
  std::string path_;
};

}  // namespace twinpatch
