// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "text_lines.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>

#include "twinpatch/core/error.hpp"

namespace twinpatch {

namespace {

constexpr std::string_view kBlanks = " \t\r\v\f";

std::string_view without_leading_blanks(std::string_view text) {
  const auto begin = text.find_first_not_of(kBlanks);
  return begin == std::string_view::npos ? std::string_view{} : text.substr(begin);
}

/// Long or odd fields are cut for the message.
std::string shown(std::string_view field) { return std::string(field.substr(0, 40)); }

}  // namespace

bool TextLines::next() {
  if (rest_.empty()) return false;
  const auto end = rest_.find('\n');
  line_ = rest_.substr(0, end);
  rest_ = end == std::string_view::npos ? std::string_view{} : rest_.substr(end + 1);
  ++number_;
  return true;
}

bool TextLines::next_filled() {
  while (next()) {
    const auto content = without_leading_blanks(line_);
    if (!content.empty() && content.front() != '#') return true;
  }
  return false;
}

bool TextLines::has_field() { return !without_leading_blanks(line_).empty(); }

std::string_view TextLines::field(std::string_view what) {
  line_ = without_leading_blanks(line_);
  if (line_.empty()) fail(fmt::format("expected {}, found the end of the line", what));
  const auto end = line_.find_first_of(kBlanks);
  const auto found = line_.substr(0, end);
  line_ = end == std::string_view::npos ? std::string_view{} : line_.substr(end);
  return found;
}

double TextLines::real(std::string_view what) {
  const auto text = field(what);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) {
    fail(fmt::format("expected {}, found \"{}\"", what, shown(text)));
  }
  return value;
}

std::int64_t TextLines::integer(std::string_view what) {
  return integer(what, std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max());
}

std::int64_t TextLines::integer(std::string_view what, std::int64_t low, std::int64_t high) {
  const auto text = field(what);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < low || value > high) {
    fail(fmt::format("expected {}, found \"{}\"", what, shown(text)));
  }
  return value;
}

std::string_view TextLines::remainder(std::string_view what) {
  line_ = without_leading_blanks(line_);
  if (line_.empty()) fail(fmt::format("expected {}, found the end of the line", what));
  const auto found = line_.substr(0, line_.find_last_not_of(kBlanks) + 1);
  line_ = {};
  return found;
}

void TextLines::fail(std::string_view what) const {
  throw FormatError(path_, -1, fmt::format("line {}: {}", number_, what));
}

}  // namespace twinpatch
