// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace twinpatch {

/// A value of a JSON text. Asked for what it is not, it throws FormatError with the file, the byte up to which the text
/// was read when the value was (the end of a number or a text, the beginning of a list or an object), what was expected
/// and what was found.
class JsonValue {
 public:
  using List = std::vector<JsonValue>;
  using Members = std::vector<std::pair<std::string, JsonValue>>;  ///< in the order of the text, no name twice

  [[nodiscard]] bool is_null() const noexcept { return std::holds_alternative<std::monostate>(value_); }
  [[nodiscard]] bool is_boolean() const noexcept { return std::holds_alternative<bool>(value_); }
  /// Written without a point or an exponent, and within 64 bits.
  [[nodiscard]] bool is_integer() const noexcept { return std::holds_alternative<std::int64_t>(value_); }
  [[nodiscard]] bool is_number() const noexcept { return is_integer() || std::holds_alternative<double>(value_); }
  [[nodiscard]] bool is_text() const noexcept { return std::holds_alternative<std::string>(value_); }
  [[nodiscard]] bool is_list() const noexcept { return std::holds_alternative<List>(value_); }
  [[nodiscard]] bool is_object() const noexcept { return std::holds_alternative<Members>(value_); }

  [[nodiscard]] bool boolean() const;
  /// A whole number in [low, high].
  [[nodiscard]] std::int64_t integer(std::int64_t low, std::int64_t high) const;
  [[nodiscard]] double number() const;
  [[nodiscard]] const std::string& text() const;
  [[nodiscard]] const List& list() const;
  [[nodiscard]] const Members& members() const;

  /// The object's member of this name, nullptr where it has none. The value must be an object.
  [[nodiscard]] const JsonValue* find(std::string_view name) const;
  /// The same; a member that is missing is an error.
  [[nodiscard]] const JsonValue& at(std::string_view name) const;
  /// An element of the list; one beyond its end is an error.
  [[nodiscard]] const JsonValue& at(std::size_t index) const;

  /// Throws FormatError at this value's place.
  [[noreturn]] void fail(std::string_view what) const;
  /// What a message shows of it: `12`, `"a text"`, `a list of 3`.
  [[nodiscard]] std::string shown() const;

  /// The same content, wherever it stands. The order of members does not count.
  friend bool operator==(const JsonValue& a, const JsonValue& b);

 private:
  friend class JsonBuilder;
  std::variant<std::monostate, bool, std::int64_t, double, std::string, List, Members> value_;
  std::shared_ptr<const std::string> path_;
  std::int64_t offset_ = 0;
};

/// Reads a whole JSON text strictly: one value and nothing behind it, UTF-8, no name twice in an object, numbers that a
/// double holds, nothing nested deeper than `depth`. Memory is in proportion to the text. `path` is for messages.
/// Throws FormatError.
[[nodiscard]] JsonValue parse_json(std::string_view text, const std::string& path, int depth = 32);

}  // namespace twinpatch
