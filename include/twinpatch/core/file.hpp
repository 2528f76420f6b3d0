// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "twinpatch/core/error.hpp"

namespace twinpatch {

static_assert(std::endian::native == std::endian::little, "file formats are read as little-endian memory");

/// Reads values from a byte sequence and never past its end: every read is checked against the bytes left, and throws
/// FormatError naming the file and the offset. Counts read from a file go through `check_count` before anything is
/// allocated for them.
class ByteReader {
 public:
  ByteReader(std::span<const std::byte> bytes, std::string path) : bytes_(bytes), path_(std::move(path)) {}

  template <class T>
  [[nodiscard]] T read(std::string_view what) {
    static_assert(std::is_trivially_copyable_v<T>);
    T value;
    std::memcpy(&value, take(sizeof(T), what).data(), sizeof(T));
    return value;
  }
  /// The next `count` bytes, as a view into the sequence.
  [[nodiscard]] std::span<const std::byte> take(std::int64_t count, std::string_view what);
  /// Throws unless 0 ≤ count and `count * item_bytes` bytes are left.
  void check_count(std::int64_t count, std::int64_t item_bytes, std::string_view what) const;
  [[noreturn]] void fail(std::string_view what) const;

  [[nodiscard]] std::int64_t offset() const noexcept { return offset_; }
  [[nodiscard]] std::int64_t left() const noexcept { return static_cast<std::int64_t>(bytes_.size()) - offset_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::span<const std::byte> bytes_;
  std::string path_;
  std::int64_t offset_ = 0;
};

/// The contents of a regular file. Throws IoError.
[[nodiscard]] std::vector<std::byte> read_file(const std::filesystem::path& path);

/// Text as every reader of text takes it: a UTF-8 byte order mark, which Windows editors put first, is skipped. UTF-16,
/// which PowerShell's `>` writes, throws FormatError with `path`.
[[nodiscard]] std::string_view without_byte_order_mark(std::string_view text, std::string_view path);
/// The whole of a text file, without a byte order mark. Throws IoError, FormatError.
[[nodiscard]] std::string read_text_file(const std::filesystem::path& path);

/// A file mapped read-only. Throws IoError. If another process truncates the file while it is mapped, reading raises
/// SIGBUS, as every mapping does: map only files that the run owns or can rely on.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;             // one owner of the mapping
  MappedFile& operator=(const MappedFile&) = delete;  // likewise
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }
  /// Tells the system that [begin, end) will not be read again soon, so that its pages need not stay resident.
  void release(std::int64_t begin, std::int64_t end) const noexcept;

 private:
  std::span<const std::byte> bytes_;
};

/// A file that appears whole or not at all: written under a temporary name beside `path`, moved there by `commit()`.
/// Without a commit the destructor removes what was written. Throws IoError (disk full, folder missing or read-only).
/// Small writes are gathered, so writing line by line is fine. A link is followed. A stream (see
/// core/stream.hpp) gets all bytes at the commit, or none.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;             // owns a temporary file
  AtomicFile& operator=(const AtomicFile&) = delete;  // likewise

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  /// Overwrites bytes written before, at `offset` from the start (a header whose counts are known last).
  void write_at(std::int64_t offset, std::span<const std::byte> bytes);
  /// The file as it is being written, for libraries that write by name; they close it before commit(). Throws
  /// InvalidArgument for a device or a pipe, which has no such file.
  [[nodiscard]] const std::filesystem::path& temporary() const;
  /// Flushes to disk and renames into place. No write may follow.
  void commit();

 private:
  void flush();

  std::filesystem::path path_;       // as given, for messages
  std::filesystem::path target_;     // with links followed
  std::filesystem::path temporary_;  // empty for a device or a pipe
  int descriptor_ = -1;
  std::vector<std::byte> pending_;  // written, not yet handed to the system
};

}  // namespace twinpatch
