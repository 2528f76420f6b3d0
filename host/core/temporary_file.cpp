// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/core/temporary_file.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

#include "nameless_file.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch {
namespace {

constexpr const char* kName = "(temporary file)";

std::string temporary_folder() {
  if (const char* folder = std::getenv("TMPDIR"); folder != nullptr && *folder != '\0') return folder;
  return ::access("/var/tmp", W_OK) == 0 ? "/var/tmp" : "/tmp";
}

/// Calls transfer(bytes done) until all are done; it returns what a read or write call does.
template <class Transfer>
void transfer_all(std::size_t bytes, const char* what, const Transfer& transfer) {
  for (std::size_t done = 0; done < bytes;) {
    const ssize_t now = transfer(done);
    if (now < 0 && errno == EINTR) continue;
    if (now <= 0) throw IoError(kName, what, now < 0 ? errno : EIO);
    done += static_cast<std::size_t>(now);
  }
}

}  // namespace

int open_nameless_file() {
  const std::string folder = temporary_folder();
  const int unnamed = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (unnamed >= 0) return unnamed;
  // File systems without O_TMPFILE: a name that is taken away at once.
  std::string name = folder + "/twinpatch-XXXXXX";
  const int named = ::mkostemp(name.data(), O_CLOEXEC);
  if (named < 0) throw IoError(folder, "cannot make a temporary file in", errno);
  ::unlink(name.c_str());
  return named;
}

TemporaryFile::TemporaryFile() : descriptor_(open_nameless_file()) {}

TemporaryFile::~TemporaryFile() { ::close(descriptor_); }

void TemporaryFile::write(std::int64_t offset, std::span<const std::byte> bytes) {
  transfer_all(bytes.size(), "cannot write", [&](std::size_t done) {
    return ::pwrite(descriptor_, bytes.data() + done, bytes.size() - done, offset + static_cast<off_t>(done));
  });
}

void TemporaryFile::read(std::int64_t offset, std::span<std::byte> bytes) const {
  transfer_all(bytes.size(), "cannot read", [&](std::size_t done) {
    return ::pread(descriptor_, bytes.data() + done, bytes.size() - done, offset + static_cast<off_t>(done));
  });
}

}  // namespace twinpatch
