// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace twinpatch::test {

/// Bytes of an .npy file with any header text and payload, right or wrong. Versions 2 and 3 have a longer length field.
inline std::string npy_bytes(std::string_view dictionary, std::string_view payload, int version = 1) {
  const std::size_t preamble = version == 1 ? 10 : 12;
  std::string text(dictionary);
  text.resize((preamble + text.size() + 1 + 63) / 64 * 64 - preamble - 1, ' ');
  text += '\n';
  std::string bytes = "\x93NUMPY";
  bytes += static_cast<char>(version);
  bytes += '\0';
  for (std::size_t i = 0; i < preamble - 8; ++i) bytes += static_cast<char>(text.size() >> (8 * i) & 0xff);
  return bytes + text + std::string(payload);
}

inline std::string npy_dictionary(std::string_view descr, std::string_view shape, std::string_view order = "False") {
  std::string text = "{'descr': '";
  text += descr;
  text += "', 'fortran_order': ";
  text += order;
  text += ", 'shape': ";
  text += shape;
  return text + ", }";
}

}  // namespace twinpatch::test
