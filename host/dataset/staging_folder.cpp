// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "staging_folder.hpp"

#include <fmt/format.h>

#include <system_error>
#include <utility>

#include "twinpatch/core/error.hpp"
#include "twinpatch/core/file.hpp"

namespace twinpatch::dataset {

namespace fs = std::filesystem;

namespace {

/// Marks a temporary folder as ours, so that nothing of anybody else's is ever removed.
constexpr const char* kMarker = ".twinpatch-unfinished";

void rename_folder(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) throw IoError(from.string(), fmt::format("cannot rename to {}", to.string()), error.value());
}

fs::path with_suffix(const fs::path& folder, const char* suffix) {
  fs::path result = folder;
  result += suffix;
  return result;
}

}  // namespace

StagingFolder::StagingFolder(fs::path folder, bool replace) : folder_(std::move(folder)), replace_(replace) {
  if (!folder_.has_filename()) folder_ = folder_.parent_path();  // "data/" and "data" are one folder
  if (folder_.empty()) throw InvalidArgument("expected a folder for the dataset, found none");
  if (fs::exists(fs::symlink_status(folder_))) {
    if (!replace_) throw Error(fmt::format("{}: already exists (use --replace)", folder_.string()));
    if (!fs::exists(folder_ / "manifest.json")) {
      throw Error(
          fmt::format("{}: not replaced: it has no manifest.json, so twinpatch did not make it", folder_.string()));
    }
  }
  temporary_ = with_suffix(folder_, ".tmp");
  if (fs::exists(fs::symlink_status(temporary_))) {
    if (!fs::exists(temporary_ / kMarker)) {
      throw Error(fmt::format("{}: exists and is not an unfinished dataset; remove it", temporary_.string()));
    }
    fs::remove_all(temporary_);
  }
  std::error_code error;
  fs::create_directory(temporary_, error);
  if (error) throw IoError(temporary_.string(), "cannot make the folder", error.value());
  try {
    AtomicFile marker(temporary_ / kMarker);
    marker.commit();
  } catch (...) {
    fs::remove_all(temporary_, error);
    throw;
  }
}

StagingFolder::~StagingFolder() {
  if (committed_) return;
  std::error_code ignored;  // nothing better can be done here
  fs::remove_all(temporary_, ignored);
}

void StagingFolder::commit() {
  fs::remove(temporary_ / kMarker);
  if (replace_ && fs::exists(folder_)) {
    const fs::path old = with_suffix(folder_, ".old");
    std::error_code ignored;
    fs::remove_all(old, ignored);
    rename_folder(folder_, old);
    rename_folder(temporary_, folder_);
    fs::remove_all(old, ignored);
  } else {
    rename_folder(temporary_, folder_);
  }
  committed_ = true;
}

}  // namespace twinpatch::dataset
