// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "fuzz/fuzz.hpp"

namespace twinpatch::fuzz {
namespace {

/// One folder a process, removed when it ends as it should.
class ScratchFolder {
 public:
  ScratchFolder() {
    const std::filesystem::path memory = "/dev/shm";
    std::error_code ignored;
    const auto place = std::filesystem::is_directory(memory, ignored) ? memory : std::filesystem::temp_directory_path();
    path_ = place / ("twinpatch-fuzz-" + std::to_string(::getpid()));
    std::filesystem::create_directories(path_);
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;             // owns the folder
  ScratchFolder& operator=(const ScratchFolder&) = delete;  // likewise
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

const std::filesystem::path& root() {
  static const ScratchFolder folder;
  return folder.path();
}

}  // namespace

void fail(std::string_view what) {
  std::fprintf(stderr, "fuzz: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

void write_bytes(const std::filesystem::path& path, Bytes bytes) {
  const int file = ::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  require(file >= 0, "cannot make a scratch file");
  while (!bytes.empty()) {
    const ssize_t done = ::write(file, bytes.data(), bytes.size());
    require(done > 0, "cannot write a scratch file");
    bytes = bytes.subspan(static_cast<std::size_t>(done));
  }
  ::close(file);
}

std::filesystem::path scratch_file(Bytes bytes, std::string_view ending) {
  const auto path = root() / ("input" + std::string(ending));
  write_bytes(path, bytes);
  return path;
}

std::filesystem::path scratch_folder() {
  const auto path = root() / "folder";
  std::filesystem::remove_all(path);
  std::filesystem::create_directories(path);
  return path;
}

}  // namespace twinpatch::fuzz
