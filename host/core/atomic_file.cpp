// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <utility>

#include "nameless_file.hpp"
#include "stream_target.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/core/stream.hpp"

namespace twinpatch {

namespace {

/// Small writes are gathered up to this many bytes.
constexpr std::size_t kGather = 1 << 18;

void write_exactly(int descriptor, std::span<const std::byte> bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(descriptor, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0 && errno == EAGAIN) {  // a pipe that somebody else has made non-blocking
      pollfd full{descriptor, POLLOUT, 0};
      (void)::poll(&full, 1, -1);
      continue;
    }
    if (done < 0) throw IoError(path.string(), "cannot write", errno);
    bytes = bytes.subspan(static_cast<std::size_t>(done));
  }
}

/// The whole of a file, from its start.
void copy_all(int from, int to, const std::filesystem::path& path) {
  std::vector<std::byte> some(kGather);
  for (std::int64_t offset = 0;;) {
    const ssize_t got = ::pread(from, some.data(), some.size(), offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw IoError(path.string(), "cannot read back what was gathered for it", errno);
    if (got == 0) return;
    write_exactly(to, std::span(some).first(static_cast<std::size_t>(got)), path);
    offset += got;
  }
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

/// A name beside the target that no other process or thread uses. Hidden, so that patterns like *.npy do not see it.
std::filesystem::path temporary_name(const std::filesystem::path& target) {
  static std::atomic<unsigned> counter = 0;
  const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
  std::string name = target.filename().string();
  if (name.size() > 200) name = "twinpatch";  // names end at 255 bytes on most file systems
  return folder_of(target) / fmt::format(".{}.{}-{}-{:x}.tmp", name, ::getpid(), ++counter, now & 0xffffffff);
}

/// Creates the temporary file; explains what is wrong with the folder where that fails.
int create_temporary(const std::filesystem::path& target, const std::filesystem::path& path,
                     std::filesystem::path& temporary) {
  for (;;) {
    temporary = temporary_name(target);
    const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor >= 0) return descriptor;
    if (errno != EEXIST) break;
  }
  const int reason = errno;
  const std::filesystem::path folder = folder_of(target);
  std::error_code ignored;
  if (reason == ENOENT && !std::filesystem::exists(folder, ignored)) {
    throw IoError(path.string(), fmt::format("cannot create: the folder {} does not exist", folder.string()));
  }
  if (reason == ENOTDIR)
    throw IoError(path.string(), fmt::format("cannot create: {} is not a folder", folder.string()));
  throw IoError(path.string(), fmt::format("cannot create a file in the folder {}", folder.string()), reason);
}

}  // namespace

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)), target_(path_) {
  if (!path_.has_filename()) throw IoError(path_.string(), "cannot create: the path ends in no file name");
  if (is_stream(path_)) {
    descriptor_ = open_nameless_file();
    return;
  }
  std::error_code failure;
  if (std::filesystem::is_symlink(target_, failure)) {
    const auto followed = std::filesystem::weakly_canonical(target_, failure);
    if (!failure) target_ = followed;
  }
  struct stat status {};
  const bool exists = ::stat(target_.c_str(), &status) == 0;
  if (exists && S_ISDIR(status.st_mode)) throw IoError(path_.string(), "cannot write: it is a folder");
  if (exists && ::faccessat(AT_FDCWD, target_.c_str(), W_OK, AT_EACCESS) != 0)
    throw IoError(path_.string(), "cannot replace", errno);
  descriptor_ = create_temporary(target_, path_, temporary_);
  if (exists) (void)::fchmod(descriptor_, status.st_mode & 07777);  // who could read it can still read it
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  if (pending_.size() + bytes.size() > kGather) flush();
  if (bytes.size() >= kGather) {
    write_exactly(descriptor_, bytes, path_);
  } else {
    pending_.insert(pending_.end(), bytes.begin(), bytes.end());
  }
}

void AtomicFile::flush() {
  write_exactly(descriptor_, pending_, path_);
  pending_.clear();
}

void AtomicFile::write_at(std::int64_t offset, std::span<const std::byte> bytes) {
  flush();
  while (!bytes.empty()) {
    const ssize_t done = ::pwrite(descriptor_, bytes.data(), bytes.size(), offset);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) throw IoError(path_.string(), "cannot write", errno);
    bytes = bytes.subspan(static_cast<std::size_t>(done));
    offset += done;
  }
}

const std::filesystem::path& AtomicFile::temporary() const {
  if (!temporary_.empty()) return temporary_;
  throw InvalidArgument(path_.string() + ": expected a file to write, found a device, a pipe or an open descriptor");
}

void AtomicFile::commit() {
  flush();
  if (temporary_.empty()) {
    const int stream = open_stream(path_);
    const int gathered = std::exchange(descriptor_, stream);  // closed by the destructor whatever happens
    try {
      copy_all(gathered, stream, path_);
    } catch (...) {
      ::close(gathered);
      throw;
    }
    ::close(gathered);
  }
  // Some file systems have no fsync; a full disk or a failing one says so here at the latest.
  if (::fsync(descriptor_) != 0 && errno != EINVAL && errno != EROFS && errno != ENOTSUP) {
    throw IoError(path_.string(), "cannot write", errno);
  }
  const int closed = ::close(descriptor_);
  descriptor_ = -1;
  if (closed != 0 && errno != EINTR) throw IoError(path_.string(), "cannot write", errno);
  if (temporary_.empty()) return;
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) throw IoError(path_.string(), "cannot replace", errno);
  temporary_.clear();
  // The name itself is on disk once the folder is; where that cannot be had the file is whole all the same.
  const int folder = ::open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    (void)::fsync(folder);
    ::close(folder);
  }
}

}  // namespace twinpatch
