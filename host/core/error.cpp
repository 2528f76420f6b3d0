// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/core/error.hpp"

#include <fmt/format.h>

#include <system_error>

namespace twinpatch {

namespace {

/// File names and keys of files may hold anything; a message stays one line and moves no terminal's cursor.
std::string one_line(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return text;
}

std::string io_message(std::string_view path, std::string_view what, int error_number) {
  if (error_number == 0) return one_line(fmt::format("{}: {}", path, what));
  return one_line(fmt::format("{}: {}: {}", path, what, std::generic_category().message(error_number)));
}

std::string format_message(std::string_view path, std::int64_t offset, std::string_view what) {
  if (offset < 0) return one_line(fmt::format("{}: {}", path, what));
  return one_line(fmt::format("{}: byte {}: {}", path, offset, what));
}

}  // namespace

IoError::IoError(std::string_view path, std::string_view what, int error_number)
    : Error(io_message(path, what, error_number)) {}

FormatError::FormatError(std::string_view path, std::int64_t offset, std::string_view what)
    : Error(format_message(path, offset, what)), path_(path), offset_(offset) {}

void throw_out_of_host_memory(std::int64_t bytes) {
  throw OutOfMemory(fmt::format("cannot allocate {} bytes of the host's memory", bytes));
}

}  // namespace twinpatch
