// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/frame/outputs.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "twinpatch/core/error.hpp"
#include "twinpatch/core/stream.hpp"

namespace twinpatch::app {
namespace {

namespace fs = std::filesystem;

/// One name for one place, whether the file is there yet or not.
fs::path place_of(const fs::path& path) {
  std::error_code failed;
  fs::path place = fs::weakly_canonical(fs::absolute(path), failed);
  return failed ? path.lexically_normal() : place;
}

constexpr const char* kStandardOutput = "/dev/stdout";

/// Two names of one file, pipe or device that is there (std::filesystem::equivalent leaves devices out).
bool same_file(const fs::path& a, const fs::path& b) {
  struct stat first {};
  struct stat second {};
  return ::stat(a.c_str(), &first) == 0 && ::stat(b.c_str(), &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

/// Paths to one file, pipe or device, whatever it is called; /dev/null, which keeps nothing, is no place.
bool same_place(const fs::path& a, const fs::path& b) {
  if (same_file(a, "/dev/null")) return false;
  return same_file(a, b) || place_of(a) == place_of(b);
}

void check_folder(const std::string& option, const fs::path& path) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::error_code failed;
  if (!fs::is_directory(folder, failed)) {
    throw IoError(path.string(), fmt::format("{}: its folder {} does not exist", option, folder.string()));
  }
  // Permissions, read-only file systems and quotas have too many ways to say no: try it.
  std::string probe = (folder / ".twinpatch-XXXXXX").string();
  const int descriptor = mkstemp(probe.data());
  if (descriptor < 0) {
    throw IoError(path.string(), fmt::format("{}: cannot write in its folder {}", option, folder.string()), errno);
  }
  close(descriptor);
  unlink(probe.c_str());
}

}  // namespace

void Outputs::add(const std::string& option, const fs::path& path) {
  if (!path.empty()) outputs_.push_back({option, path});
}

void Outputs::add_file(const std::string& option, const fs::path& path) {
  if (!path.empty()) outputs_.push_back({.option = option, .path = path, .any_order = true});
}

void Outputs::add_printed(const std::string& words) {
  outputs_.push_back({.option = words, .path = kStandardOutput, .printed = true});
}

void Outputs::add_input(const fs::path& path) {
  if (!path.empty()) inputs_.push_back(path);
}

void Outputs::check() const {
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    const Output& output = outputs_[i];
    for (std::size_t j = 0; j < i; ++j) {
      if (!same_place(outputs_[j].path, output.path)) continue;
      throw InvalidArgument(fmt::format("{}: {} and {} would both write this file", output.path.string(),
                                        outputs_[j].option, output.option));
    }
    if (!output.printed) check_place(i);
  }
}

void Outputs::check_place(std::size_t index) const {
  const auto& [option, path, any_order, printed] = outputs_[index];
  for (const auto& input : inputs_) {
    if (!same_place(input, path)) continue;
    throw InvalidArgument(fmt::format("{}: {} would overwrite an input of this run", path.string(), option));
  }
  if (is_stream(path)) {
    if (!any_order) return;
    throw InvalidArgument(
        fmt::format("{}: {}: expected the name of a file, found a device, a pipe or an open descriptor: this output is "
                    "not written front to back",
                    path.string(), option));
  }
  std::error_code failed;
  if (fs::is_directory(path, failed)) throw IoError(path.string(), fmt::format("{}: is a folder", option));
  check_folder(option, path);
}

}  // namespace twinpatch::app
