// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace twinpatch::dataset {

/// A folder that appears whole or not at all: filled as FOLDER.tmp, renamed by commit(), removed without it.
class StagingFolder {
 public:
  /// Throws Error where `folder` exists and may not be replaced, or is something else than a dataset; IoError.
  /// What a killed run left behind under the temporary name is removed.
  StagingFolder(std::filesystem::path folder, bool replace);
  ~StagingFolder();
  StagingFolder(const StagingFolder&) = delete;             // owns the temporary folder
  StagingFolder& operator=(const StagingFolder&) = delete;  // likewise

  /// Where to write.
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return temporary_; }
  void commit();

 private:
  std::filesystem::path folder_;
  std::filesystem::path temporary_;
  bool replace_;
  bool committed_ = false;
};

}  // namespace twinpatch::dataset
