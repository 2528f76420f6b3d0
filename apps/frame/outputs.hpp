// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace twinpatch::app {

/// Every file a run will write, checked before the long work starts.
class Outputs {
 public:
  /// `option` is what the user typed before it ("--view"). Empty paths are ignored.
  void add(const std::string& option, const std::filesystem::path& path);
  /// A file or folder that is read, and so must not be written over. Empty paths are ignored.
  void add_input(const std::filesystem::path& path);
  /// Throws InvalidArgument for two outputs at one place or an output over an input, IoError for a folder that is
  /// missing or cannot be written to (tried by making a file there), or a folder in the output's place.
  void check() const;

 private:
  using Named = std::pair<std::string, std::filesystem::path>;
  std::vector<Named> outputs_;
  std::vector<std::filesystem::path> inputs_;
};

}  // namespace twinpatch::app
