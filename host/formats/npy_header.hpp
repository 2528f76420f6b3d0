// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "twinpatch/core/file.hpp"
#include "twinpatch/formats/npy.hpp"

namespace twinpatch {

/// What the header of an .npy file says, checked against the bytes that follow it.
struct NpyHeader {
  NpyType type = NpyType::u8;
  std::vector<std::int64_t> shape;
  bool column_major = false;     // Fortran order where that is not the same; only of matrices
  std::int64_t size = 0;         // elements
  std::int64_t data_offset = 0;  // bytes from the file's start
};

[[nodiscard]] std::int64_t npy_item_bytes(NpyType type);

/// Reads the header at the start of a file's bytes. Throws FormatError unless the bytes behind it are exactly the
/// array.
[[nodiscard]] NpyHeader read_npy_header(std::span<const std::byte> file, const std::string& path);

/// Magic, version 1.0, dictionary and padding: a multiple of 64 bytes whose length does not depend on shape[0], so that
/// a header can be replaced once the number of rows is known.
[[nodiscard]] std::string make_npy_header(NpyType type, const std::vector<std::int64_t>& shape);

}  // namespace twinpatch
