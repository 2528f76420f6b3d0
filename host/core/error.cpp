// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/core/error.hpp"

#include <fmt/format.h>

#include <system_error>

namespace twinpatch {

std::string one_line(std::string_view text) {
  std::string clean(text);
  for (std::size_t i = 0; i < clean.size(); ++i) {
    const auto byte = static_cast<unsigned char>(clean[i]);
    // U+0080 to U+009F are controls too; UTF-8 writes them as C2 80 to C2 9F.
    const bool wide = byte == 0xC2 && i + 1 < clean.size() && (static_cast<unsigned char>(clean[i + 1]) & 0xE0) == 0x80;
    if (wide) clean.erase(i + 1, 1);
    if (wide || byte < 0x20 || byte == 0x7F) clean[i] = '?';
  }
  return clean;
}

namespace {

std::string io_message(std::string_view path, std::string_view what, int error_number) {
  if (error_number == 0) return fmt::format("{}: {}", path, what);
  return fmt::format("{}: {}: {}", path, what, std::generic_category().message(error_number));
}

std::string format_message(std::string_view path, std::int64_t offset, std::string_view what) {
  if (offset < 0) return fmt::format("{}: {}", path, what);
  return fmt::format("{}: byte {}: {}", path, offset, what);
}

}  // namespace

Error::Error(std::string_view message) : std::runtime_error(one_line(message)) {}

IoError::IoError(std::string_view path, std::string_view what, int error_number)
    : Error(io_message(path, what, error_number)) {}

FormatError::FormatError(std::string_view path, std::int64_t offset, std::string_view what)
    : Error(format_message(path, offset, what)), path_(path), offset_(offset) {}

void throw_out_of_host_memory(std::int64_t bytes) {
  throw OutOfMemory(fmt::format("cannot allocate {} bytes of the host's memory", bytes));
}

}  // namespace twinpatch
