// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "stream_target.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>

#include "twinpatch/core/error.hpp"
#include "twinpatch/core/stream.hpp"

namespace twinpatch {
namespace {

namespace fs = std::filesystem;

bool is_folder_of_descriptors(const fs::path& folder) {
  std::error_code failed;
  const fs::path here = fs::canonical(folder, failed);
  if (failed) return false;
  for (const char* ours : {"/proc/self/fd", "/proc/thread-self/fd", "/dev/fd"}) {
    const fs::path canonical = fs::canonical(ours, failed);
    if (!failed && here == canonical) return true;
  }
  return false;
}

/// The descriptor of this process that a path leads to: /dev/stdout → /proc/self/fd/1 → 1. The last link, from there to
/// what the descriptor has open, is not followed: that may be a file, which would be opened again from its start.
std::optional<int> named_descriptor(fs::path path) {
  constexpr int kMostLinks = 40;
  for (int i = 0; i < kMostLinks; ++i) {
    const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
    const std::string name = path.filename().string();
    if (!name.empty() && std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; }) &&
        is_folder_of_descriptors(folder)) {
      int number = -1;
      const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
      return error == std::errc() ? std::optional(number) : std::nullopt;
    }
    std::error_code failed;
    const fs::path next = fs::read_symlink(path, failed);
    if (failed) return std::nullopt;
    path = folder / next;
  }
  return std::nullopt;
}

void check_descriptor(const fs::path& path, int descriptor) {
  const int flags = ::fcntl(descriptor, F_GETFL);
  if (flags < 0) throw IoError(path.string(), fmt::format("descriptor {} is not open", descriptor));
  if ((flags & O_ACCMODE) == O_RDONLY) {
    throw IoError(path.string(), fmt::format("descriptor {} is open for reading only", descriptor));
  }
}

bool is_special_file(const fs::path& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

}  // namespace

int open_stream(const fs::path& path) {
  if (const auto number = named_descriptor(path)) {
    check_descriptor(path, *number);
    const int copy = ::fcntl(*number, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) throw IoError(path.string(), "cannot duplicate the descriptor", errno);
    return copy;
  }
  if (!is_special_file(path)) return -1;
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
  if (descriptor < 0) throw IoError(path.string(), "cannot open", errno);
  return descriptor;
}

bool is_stream(const fs::path& path) {
  if (const auto number = named_descriptor(path)) {
    check_descriptor(path, *number);
    return true;
  }
  if (!is_special_file(path)) return false;
  if (::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) != 0) throw IoError(path.string(), "cannot open", errno);
  return true;
}

}  // namespace twinpatch
