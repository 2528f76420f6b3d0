// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/frame/outputs.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "twinpatch/core/error.hpp"

namespace twinpatch::app {
namespace {

namespace fs = std::filesystem;

/// One name for one place, whether the file is there yet or not.
fs::path place_of(const fs::path& path) {
  std::error_code failed;
  fs::path place = fs::weakly_canonical(fs::absolute(path), failed);
  return failed ? path.lexically_normal() : place;
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
  if (!path.empty()) outputs_.emplace_back(option, path);
}

void Outputs::add_input(const fs::path& path) {
  if (!path.empty()) inputs_.push_back(path);
}

void Outputs::check() const {
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    const auto& [option, path] = outputs_[i];
    const fs::path place = place_of(path);
    for (std::size_t j = 0; j < i; ++j) {
      if (place_of(outputs_[j].second) != place) continue;
      throw InvalidArgument(
          fmt::format("{}: {} and {} would both write this file", path.string(), outputs_[j].first, option));
    }
    for (const auto& input : inputs_) {
      if (place_of(input) != place) continue;
      throw InvalidArgument(fmt::format("{}: {} would overwrite an input of this run", path.string(), option));
    }
    std::error_code failed;
    if (fs::is_directory(path, failed)) throw IoError(path.string(), fmt::format("{}: is a folder", option));
    check_folder(option, path);
  }
}

}  // namespace twinpatch::app
