// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace twinpatch {

/// A file in a zip archive.
struct ZipEntry {
  std::string name;
  std::span<const std::byte> bytes;  ///< as stored, in the archive's bytes
  std::int64_t offset = 0;           ///< of these in the archive
  bool plain = true;                 ///< neither compressed nor encrypted
  bool deflated = false;             ///< compressed by method 8 (RFC 1951), not encrypted
  std::int64_t size = 0;             ///< of the file itself
};

/// The files of an archive, in the order of its directory. Checksums are not compared: PyTorch can write archives
/// without (torch.serialization.set_crc32_options). Throws FormatError. Reference: APPNOTE.TXT 6.3.10, with zip64.
[[nodiscard]] std::vector<ZipEntry> parse_zip(std::span<const std::byte> bytes, const std::string& path);

}  // namespace twinpatch
