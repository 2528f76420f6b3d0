// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/core/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <stdexcept>

namespace twinpatch {

namespace {

/// A regular file opened for reading.
class RegularFile {
 public:
  explicit RegularFile(const std::filesystem::path& path)
      // Without O_NONBLOCK the opening of a pipe would wait for its writer.
      : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    if (descriptor_ < 0) throw IoError(path.string(), "cannot open", errno);
    struct stat status {};
    const char* problem = nullptr;
    if (::fstat(descriptor_, &status) != 0) {
      problem = "cannot read its size";
    } else if (S_ISDIR(status.st_mode)) {
      problem = "expected a file, found a folder";
    } else if (!S_ISREG(status.st_mode)) {
      problem = "expected a regular file, found a device or a pipe";
    }
    if (problem != nullptr) {
      ::close(descriptor_);
      throw IoError(path.string(), problem);
    }
    size_ = status.st_size;
  }
  ~RegularFile() { ::close(descriptor_); }
  RegularFile(const RegularFile&) = delete;             // owns the descriptor
  RegularFile& operator=(const RegularFile&) = delete;  // likewise

  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  [[nodiscard]] std::int64_t size() const noexcept { return size_; }

 private:
  int descriptor_;
  std::int64_t size_ = 0;
};

void read_exactly(int descriptor, std::span<std::byte> bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t got = ::read(descriptor, bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw IoError(path.string(), "cannot read", errno);
    if (got == 0) throw IoError(path.string(), "was truncated while it was read");
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
}

/// A sparse file can claim any size.
template <class Bytes>
Bytes make_room(std::int64_t size) {
  try {
    return Bytes(static_cast<std::size_t>(size), typename Bytes::value_type{});
  } catch (const std::bad_alloc&) {
    throw_out_of_host_memory(size);
  } catch (const std::length_error&) {
    throw_out_of_host_memory(size);
  }
}

}  // namespace

std::span<const std::byte> ByteReader::take(std::int64_t count, std::string_view what) {
  check_count(count, 1, what);
  const auto taken = bytes_.subspan(static_cast<std::size_t>(offset_), static_cast<std::size_t>(count));
  offset_ += count;
  return taken;
}

void ByteReader::check_count(std::int64_t count, std::int64_t item_bytes, std::string_view what) const {
  if (count < 0) fail(fmt::format("{}: a count of {}", what, count));
  std::int64_t bytes = 0;
  if (__builtin_mul_overflow(count, item_bytes, &bytes)) {
    fail(fmt::format("{}: {} items of {} bytes, {} bytes are left", what, count, item_bytes, left()));
  }
  if (bytes > left()) fail(fmt::format("{}: needs {} bytes, {} are left", what, bytes, left()));
}

void ByteReader::fail(std::string_view what) const { throw FormatError(path_, offset_, what); }

std::vector<std::byte> read_file(const std::filesystem::path& path) {
  const RegularFile file(path);
  auto bytes = make_room<std::vector<std::byte>>(file.size());
  read_exactly(file.descriptor(), bytes, path);
  return bytes;
}

std::string read_text_file(const std::filesystem::path& path) {
  const RegularFile file(path);
  auto text = make_room<std::string>(file.size());
  read_exactly(file.descriptor(), std::as_writable_bytes(std::span(text)), path);
  text.erase(0, text.size() - without_byte_order_mark(text, path.string()).size());
  return text;
}

std::string_view without_byte_order_mark(std::string_view text, std::string_view path) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    throw FormatError(path, 0, "text in UTF-16, expected UTF-8 (PowerShell: Out-File -Encoding utf8)");
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  return text;
}

MappedFile::MappedFile(const std::filesystem::path& path) {
  const RegularFile file(path);
  if (file.size() == 0) return;  // the system maps no empty range
  const auto length = static_cast<std::size_t>(file.size());
  void* const memory = ::mmap(nullptr, length, PROT_READ, MAP_PRIVATE, file.descriptor(), 0);
  if (memory == MAP_FAILED) throw IoError(path.string(), "cannot map", errno);
  (void)::madvise(memory, length, MADV_SEQUENTIAL);  // read in batches from front to back
  bytes_ = {static_cast<const std::byte*>(memory), length};
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

void MappedFile::release(std::int64_t begin, std::int64_t end) const noexcept {
  const auto size = static_cast<std::int64_t>(bytes_.size());
  begin = std::clamp<std::int64_t>(begin, 0, size);
  end = std::clamp<std::int64_t>(end, 0, size);
  const std::int64_t page = ::sysconf(_SC_PAGESIZE);
  // Whole pages inside of the range: its first and last may hold bytes that are still in use. The file's last page
  // belongs to the range whole where the range ends with the file.
  const std::int64_t first = (begin + page - 1) / page * page;
  const std::int64_t last = end == size ? (end + page - 1) / page * page : end / page * page;
  if (first >= last) return;
  (void)::madvise(const_cast<std::byte*>(bytes_.data()) + first, static_cast<std::size_t>(last - first), MADV_DONTNEED);
}

}  // namespace twinpatch
