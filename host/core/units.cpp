// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/core/units.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

#include "twinpatch/core/error.hpp"

namespace twinpatch {

namespace {

[[noreturn]] void refuse_bytes(std::string_view text) {
  throw InvalidArgument(fmt::format("size: expected a number like 4096, 800M or 1.5G, found \"{}\"", text));
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// "", "B", "K", "KB", "KiB" … in either case → 1, 1, 1024, 1024, 1024 …; 0 for anything else.
std::int64_t suffix_factor(std::string_view suffix) {
  std::int64_t factor = 1;
  if (suffix.empty()) return factor;
  constexpr std::string_view kPrefixes = "kmgtp";
  const auto power = kPrefixes.find(lower(suffix.front()));
  if (power != std::string_view::npos) {
    factor <<= 10 * (power + 1);
    suffix.remove_prefix(1);
    if (suffix.size() == 2 && lower(suffix.front()) == 'i') suffix.remove_prefix(1);
  }
  return suffix.empty() || (suffix.size() == 1 && lower(suffix.front()) == 'b') ? factor : 0;
}

/// Three digits: 1.23, 12.3, 123. `unit` carries its leading space.
std::string three_digits(double value, std::string_view unit) {
  const int decimals = std::abs(value) < 9.995 ? 2 : std::abs(value) < 99.95 ? 1 : 0;
  return fmt::format("{:.{}f}{}", value, decimals, unit);
}

}  // namespace

std::int64_t parse_bytes(std::string_view text) {
  // from_chars also reads "inf", "nan" and signs: none of them is a size.
  if (text.empty() || ((text.front() < '0' || text.front() > '9') && text.front() != '.')) refuse_bytes(text);
  const char* const end = text.data() + text.size();
  double number = 0.0;
  const auto [stop, status] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (status != std::errc()) refuse_bytes(text);
  std::string_view suffix(stop, static_cast<std::size_t>(end - stop));
  if (suffix.starts_with(' ')) suffix.remove_prefix(1);
  const std::int64_t factor = suffix_factor(suffix);
  if (factor == 0) refuse_bytes(text);

  std::int64_t whole = 0;  // whole numbers beyond 2^53 stay exact
  const auto [whole_stop, whole_status] = std::from_chars(text.data(), stop, whole);
  if (whole_status == std::errc() && whole_stop == stop) {
    std::int64_t bytes = 0;
    if (__builtin_mul_overflow(whole, factor, &bytes)) refuse_bytes(text);
    return bytes;
  }
  const double bytes = number * static_cast<double>(factor);
  if (!(bytes < 9.2e18)) refuse_bytes(text);
  return std::llround(bytes);
}

std::string format_bytes(std::int64_t bytes) {
  constexpr std::array kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes > -1024 && bytes < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (std::abs(value) >= 1023.995 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.2f} {}", value, kUnits[unit]);
}

std::string format_count(double value) {
  constexpr std::array kUnits = {" k", " M", " G", " T", " P"};
  if (!std::isfinite(value)) return "unknown";
  if (std::abs(value) < 999.5)
    return value == std::floor(value) ? fmt::format("{:.0f}", value) : three_digits(value, "");
  value /= 1000;
  std::size_t unit = 0;
  while (std::abs(value) >= 999.5 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  return three_digits(value, kUnits[unit]);
}

std::string format_seconds(double seconds) {
  if (!std::isfinite(seconds)) return "unknown";
  if (seconds < 0) return fmt::format("-{}", format_seconds(-seconds));
  if (seconds == 0) return "0 s";
  if (seconds < 0.9995e-3) return three_digits(seconds * 1e6, " us");
  if (seconds < 0.09995) return three_digits(seconds * 1e3, " ms");
  if (seconds < 59.95) return three_digits(seconds, " s");
  if (seconds > 1e15) return "unknown";
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  const std::int64_t minutes = (whole + 30) / 60;
  if (minutes < 48 * 60) return fmt::format("{} h {:02} min", minutes / 60, minutes % 60);
  return fmt::format("{} d {:02} h", minutes / (24 * 60), minutes / 60 % 24);
}

}  // namespace twinpatch
