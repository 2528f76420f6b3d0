// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "completeness.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "twinpatch/core/file.hpp"

namespace twinpatch::vision {
namespace {

using namespace std::string_view_literals;

bool starts_with(std::span<const std::byte> bytes, std::string_view magic) {
  return bytes.size() >= magic.size() && std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
}

unsigned byte_at(std::span<const std::byte> bytes, std::size_t i) { return std::to_integer<unsigned>(bytes[i]); }

/// Bytes up to the next marker of a scan: in entropy-coded data FF 00 is a byte FF, FF D0 … FF D7 are restarts, and a
/// marker may be preceded by any number of FF (ITU-T T.81, B.1.1). SIZE_MAX: the data end first.
std::size_t next_marker(std::span<const std::byte> bytes, std::size_t begin) {
  for (std::size_t i = begin; i + 1 < bytes.size(); ++i) {
    if (byte_at(bytes, i) != 0xFF) continue;
    const unsigned code = byte_at(bytes, i + 1);
    if (code != 0x00 && code != 0xFF && (code < 0xD0 || code > 0xD7)) return i;
  }
  return SIZE_MAX;
}

/// Walks the markers to the end of image. Looking for FF D9 alone would not do: a thumbnail inside an EXIF segment ends
/// with one too, and any bytes may follow the image.
void check_jpeg(std::span<const std::byte> bytes, const std::string& path) {
  const auto cut_off = [&](std::string_view where) {
    throw FormatError(path, static_cast<std::int64_t>(bytes.size()),
                      fmt::format("truncated JPEG file: it ends {}, before the end-of-image marker", where));
  };
  std::size_t at = 2;
  while (true) {
    while (at < bytes.size() && byte_at(bytes, at) != 0xFF) ++at;  // decoders skip stray bytes between segments
    while (at < bytes.size() && byte_at(bytes, at) == 0xFF) ++at;
    if (at >= bytes.size()) cut_off("between two segments");
    const unsigned code = byte_at(bytes, at++);
    if (code == 0xD9) return;
    if (code == 0x00 || code == 0x01 || (code >= 0xD0 && code <= 0xD8)) continue;  // markers without a length
    if (at + 2 > bytes.size()) cut_off("inside a segment");
    const std::size_t length = byte_at(bytes, at) << 8 | byte_at(bytes, at + 1);
    if (length < 2) {
      throw FormatError(path, static_cast<std::int64_t>(at),
                        fmt::format("JPEG segment of length {}, expected at least 2", length));
    }
    at += length;
    if (at > bytes.size()) cut_off("inside a segment");
    if (code == 0xDA) {
      at = next_marker(bytes, at);
      if (at == SIZE_MAX) cut_off("inside the image data");
    }
  }
}

/// The checksum of PNG chunks (ISO/IEC 15948, annex D).
std::uint32_t crc32(std::span<const std::byte> bytes) {
  static const std::array<std::uint32_t, 256> table = [] {
    std::array<std::uint32_t, 256> entries{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = (value & 1) != 0 ? 0xEDB88320U ^ (value >> 1) : value >> 1;
      entries[i] = value;
    }
    return entries;
  }();
  std::uint32_t crc = ~0U;
  for (const std::byte byte : bytes) crc = table[(crc ^ std::to_integer<std::uint32_t>(byte)) & 0xFF] ^ (crc >> 8);
  return ~crc;
}

std::uint32_t big_endian(std::span<const std::byte> bytes) {
  return byte_at(bytes, 0) << 24 | byte_at(bytes, 1) << 16 | byte_at(bytes, 2) << 8 | byte_at(bytes, 3);
}

void check_png(std::span<const std::byte> bytes, const std::string& path) {
  ByteReader reader(bytes, path);
  const auto need = [&](std::int64_t count) {
    if (reader.left() < count) {
      throw FormatError(path, static_cast<std::int64_t>(bytes.size()),
                        "truncated PNG file: it ends before the IEND chunk");
    }
  };
  (void)reader.take(8, "PNG signature");
  while (true) {
    need(12);
    const std::uint32_t length = big_endian(reader.take(4, "chunk length"));
    need(std::int64_t{length} + 8);
    const std::int64_t start = reader.offset();
    const auto chunk = reader.take(std::int64_t{length} + 4, "chunk");
    if (crc32(chunk) != big_endian(reader.take(4, "checksum"))) {
      throw FormatError(path, start, "PNG chunk with a wrong checksum: the file is damaged");
    }
    if (starts_with(chunk, "IEND")) return;
  }
}

}  // namespace

bool is_jpeg(std::span<const std::byte> bytes) { return starts_with(bytes, "\xFF\xD8\xFF"); }

void check_complete(std::span<const std::byte> bytes, const std::string& path) {
  if (is_jpeg(bytes)) check_jpeg(bytes, path);
  if (starts_with(bytes, "\x89PNG\r\n\x1A\n"sv)) check_png(bytes, path);
}

}  // namespace twinpatch::vision
