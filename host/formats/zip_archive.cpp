// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/formats/zip_archive.hpp"

#include <fmt/format.h>

#include <cstring>

#include "twinpatch/core/file.hpp"

namespace twinpatch {

namespace {

constexpr std::uint32_t kLocalHeader = 0x04034b50;
constexpr std::uint32_t kDirectoryEntry = 0x02014b50;
constexpr std::uint32_t kEnd = 0x06054b50;
constexpr std::uint32_t kEnd64 = 0x06064b50;
constexpr std::uint32_t kEnd64Locator = 0x07064b50;
constexpr std::int64_t kEndBytes = 22;
constexpr std::int64_t kEnd64Bytes = 56;
constexpr std::int64_t kLocatorBytes = 20;
constexpr std::int64_t kEntryBytes = 46;
constexpr std::int64_t kLocalBytes = 30;
constexpr std::int64_t kLongestComment = 65535;
constexpr std::uint32_t kIn64 = 0xffffffff;  // the value is in the zip64 field

/// Numbers at places of the archive, each checked against its size.
class Places {
 public:
  Places(std::span<const std::byte> bytes, const std::string& path) : bytes_(bytes), path_(path) {}

  template <class Number>
  [[nodiscard]] std::int64_t number(std::int64_t at, std::string_view what) const {
    Number value{};
    std::memcpy(&value, range(at, sizeof(value), what).data(), sizeof(value));
    if constexpr (sizeof(value) == 8) {
      if (value > static_cast<Number>(INT64_MAX)) fail(at, fmt::format("{}: {} is too large", what, value));
    }
    return static_cast<std::int64_t>(value);
  }
  [[nodiscard]] std::span<const std::byte> range(std::int64_t at, std::int64_t count, std::string_view what) const {
    if (at < 0 || count < 0 || at > size() || count > size() - at) {
      fail(std::min(std::max<std::int64_t>(at, 0), size()),
           fmt::format("{}: {} bytes expected, the file has {}", what, count, size()));
    }
    return bytes_.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(count));
  }
  [[nodiscard]] bool has(std::int64_t at, std::uint32_t signature) const {
    if (at < 0 || at > size() - 4) return false;
    std::uint32_t found = 0;
    std::memcpy(&found, bytes_.data() + at, sizeof(found));
    return found == signature;
  }
  void require(std::int64_t at, std::uint32_t signature, std::string_view what) const {
    if (!has(at, signature)) fail(at, fmt::format("zip archive: expected {}", what));
  }
  [[noreturn]] void fail(std::int64_t at, std::string_view what) const { throw FormatError(path_, at, what); }
  [[nodiscard]] std::int64_t size() const { return std::ssize(bytes_); }

 private:
  std::span<const std::byte> bytes_;
  const std::string& path_;
};

struct Directory {
  std::int64_t begin = 0, bytes = 0, entries = 0;
};

Directory find_directory(const Places& places) {
  std::int64_t end = places.size() - kEndBytes;
  const std::int64_t first = std::max<std::int64_t>(0, end - kLongestComment);
  const auto ends_here = [&](std::int64_t at) {
    return places.has(at, kEnd) &&
           at + kEndBytes + places.number<std::uint16_t>(at + 20, "length of a comment") == places.size();
  };
  while (end >= first && !ends_here(end)) --end;
  if (end < first) places.fail(places.size(), "zip archive: no directory at its end; the file may be cut off");
  Directory directory{.begin = places.number<std::uint32_t>(end + 16, "place of the directory"),
                      .bytes = places.number<std::uint32_t>(end + 12, "size of the directory"),
                      .entries = places.number<std::uint16_t>(end + 10, "count of entries")};
  std::int64_t limit = end;
  if (const std::int64_t locator = end - kLocatorBytes; places.has(locator, kEnd64Locator)) {
    const std::int64_t end64 = places.number<std::uint64_t>(locator + 8, "place of the zip64 record");
    places.require(end64, kEnd64, "a zip64 record");
    (void)places.range(end64, kEnd64Bytes, "zip64 record");
    directory = {.begin = places.number<std::uint64_t>(end64 + 48, "place of the directory"),
                 .bytes = places.number<std::uint64_t>(end64 + 40, "size of the directory"),
                 .entries = places.number<std::uint64_t>(end64 + 32, "count of entries")};
    limit = end64;
  }
  if (directory.bytes > limit || directory.begin > limit - directory.bytes) {
    places.fail(end, "zip archive: its directory reaches past its end");
  }
  if (directory.entries > directory.bytes / kEntryBytes) {
    places.fail(end, fmt::format("zip archive: a directory of {} bytes cannot have {} entries", directory.bytes,
                                 directory.entries));
  }
  return directory;
}

/// What an entry of the directory says of a file.
struct Record {
  std::int64_t stored = 0, size = 0, local = 0;
};

/// Takes from the zip64 field those of the numbers that did not fit 32 bits.
void read_zip64(const Places& places, std::int64_t at, std::int64_t end, Record& record) {
  while (at + 4 <= end) {
    const std::int64_t kind = places.number<std::uint16_t>(at, "kind of an extra field");
    const std::int64_t next = at + 4 + places.number<std::uint16_t>(at + 2, "length of an extra field");
    if (next > end) return;
    if (kind == 1) {
      at += 4;
      for (std::int64_t* number : {&record.size, &record.stored, &record.local}) {
        if (*number != kIn64) continue;
        if (at + 8 > next) places.fail(at, "zip archive: a zip64 field that lacks a number");
        *number = places.number<std::uint64_t>(at, "a zip64 field");
        at += 8;
      }
      return;
    }
    at = next;
  }
}

/// Reads the entry at `at` and moves there to the next one.
ZipEntry read_entry(const Places& places, const Directory& directory, std::int64_t& at) {
  places.require(at, kDirectoryEntry, "an entry of the directory");
  const std::int64_t flags = places.number<std::uint16_t>(at + 8, "flags");
  const std::int64_t method = places.number<std::uint16_t>(at + 10, "method");
  Record record{.stored = places.number<std::uint32_t>(at + 20, "stored size"),
                .size = places.number<std::uint32_t>(at + 24, "size"),
                .local = places.number<std::uint32_t>(at + 42, "place of a file")};
  const std::int64_t name_bytes = places.number<std::uint16_t>(at + 28, "length of a name");
  const std::int64_t extra_bytes = places.number<std::uint16_t>(at + 30, "length of extra fields");
  const std::int64_t comment_bytes = places.number<std::uint16_t>(at + 32, "length of a comment");
  const auto name = places.range(at + kEntryBytes, name_bytes, "a name");
  const std::int64_t extra = at + kEntryBytes + name_bytes;
  (void)places.range(extra, extra_bytes, "extra fields");
  read_zip64(places, extra, extra + extra_bytes, record);

  ZipEntry entry;
  entry.name.assign(reinterpret_cast<const char*>(name.data()), name.size());
  const bool encrypted = (flags & 1) != 0;
  entry.plain = method == 0 && !encrypted;
  entry.deflated = method == 8 && !encrypted;
  entry.size = record.size;
  if (entry.plain && record.stored != record.size) {
    places.fail(at, fmt::format("zip archive: {}: {} bytes are stored, it should have {}", entry.name, record.stored,
                                record.size));
  }
  places.require(record.local, kLocalHeader, fmt::format("the file {}", entry.name));
  entry.offset = record.local + kLocalBytes + places.number<std::uint16_t>(record.local + 26, "length of a name") +
                 places.number<std::uint16_t>(record.local + 28, "length of extra fields");
  if (entry.offset > directory.begin || record.stored > directory.begin - entry.offset) {
    places.fail(record.local, fmt::format("zip archive: {} reaches into the directory", entry.name));
  }
  entry.bytes = places.range(entry.offset, record.stored, entry.name);
  at = extra + extra_bytes + comment_bytes;
  return entry;
}

}  // namespace

std::vector<ZipEntry> parse_zip(std::span<const std::byte> bytes, const std::string& path) {
  const Places places(bytes, path);
  const Directory directory = find_directory(places);
  std::vector<ZipEntry> entries;
  std::int64_t at = directory.begin;
  for (std::int64_t i = 0; i < directory.entries; ++i) {
    entries.push_back(read_entry(places, directory, at));
    if (at > directory.begin + directory.bytes) places.fail(at, "zip archive: an entry reaches past the directory");
  }
  return entries;
}

}  // namespace twinpatch
