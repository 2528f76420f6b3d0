// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "library/shared_library.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#include <link.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "twinpatch/core/code_file.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch::cuda {
namespace {

namespace fs = std::filesystem;

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

/// Parts of a list that colons separate, without the empty ones.
std::vector<fs::path> split(const std::string& list) {
  std::vector<fs::path> parts;
  std::istringstream stream(list);
  for (std::string part; std::getline(stream, part, ':');) {
    if (!part.empty()) parts.emplace_back(part);
  }
  return parts;
}

/// Folders in a folder whose names begin so, sorted; none where it cannot be read.
std::vector<fs::path> folders_in(const fs::path& folder, const std::string& start) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    if (at->path().filename().string().starts_with(start) && at->is_directory(ignored)) found.push_back(at->path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

/// Where Python may be installed: around this code, environments that are active, programs that are found, and the
/// usual places.
std::vector<fs::path> python_prefixes() {
  std::vector<fs::path> prefixes;
  const auto add = [&](const fs::path& prefix) {
    if (prefix.empty() || std::find(prefixes.begin(), prefixes.end(), prefix) != prefixes.end()) return;
    prefixes.push_back(prefix);
  };
  add(python_prefix(code_file()));
  for (const char* name : {"VIRTUAL_ENV", "CONDA_PREFIX"}) add(variable(name));
  for (const fs::path& folder : split(variable("PATH"))) {
    if (folder.filename() == "bin") add(folder.parent_path());
  }
  const std::string home = variable("HOME");
  if (!home.empty()) add(fs::path(home) / ".local");
  for (const char* prefix : {"/usr/local", "/usr", "/opt/conda"}) add(prefix);
  return prefixes;
}

}  // namespace

std::vector<fs::path> python_library_folders(std::span<const fs::path> prefixes) {
  std::vector<fs::path> result;
  for (const fs::path& prefix : prefixes) {
    for (const fs::path& python : folders_in(prefix / "lib", "python3")) {
      for (const char* packages : {"site-packages", "dist-packages"}) {
        for (const fs::path& part : folders_in(python / packages / "nvidia", "")) {
          std::error_code error;
          if (fs::is_directory(part / "lib", error)) result.push_back(part / "lib");
        }
      }
    }
  }
  return result;
}

LibraryFolders library_folders(const fs::path& built_with) {
  LibraryFolders folders{split(variable("TWINPATCH_CUDA_LIBRARIES")), {built_with}};
  const auto python = python_library_folders(python_prefixes());
  folders.others.insert(folders.others.end(), python.begin(), python.end());
  return folders;
}

SharedLibrary::SharedLibrary(std::string name, const LibraryFolders& folders) : name_(std::move(name)) {
  std::string reasons;
  const auto open = [&](const fs::path& file) {
    handle_ = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle_ == nullptr) reasons += fmt::format("{}{}", reasons.empty() ? "" : "; ", dlerror());
    return handle_ != nullptr;
  };
  const auto open_in = [&](const std::vector<fs::path>& places) {
    return std::any_of(places.begin(), places.end(), [&](const fs::path& folder) {
      std::error_code error;
      return fs::exists(folder / name_, error) && open(folder / name_);
    });
  };
  if (open_in(folders.named) || open(name_) || open_in(folders.others)) return;
  throw DeviceError(
      fmt::format("{} cannot be loaded; set TWINPATCH_CUDA_LIBRARIES to the folder where it is: {}", name_, reasons));
}

void* SharedLibrary::find(const char* function) const {
  void* address = dlsym(handle_, function);
  if (address == nullptr) throw DeviceError(fmt::format("{} has no {}: it is too old", name_, function));
  return address;
}

fs::path SharedLibrary::path() const {
  link_map* map = nullptr;
  if (dlinfo(handle_, RTLD_DI_LINKMAP, &map) != 0 || map == nullptr) return name_;
  return map->l_name;
}

}  // namespace twinpatch::cuda
