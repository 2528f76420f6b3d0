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
  /// `option` is what the user typed before it ("--view"). Empty paths are ignored. A stream (see
  /// twinpatch/core/stream.hpp) is as good as a file.
  void add(const std::string& option, const std::filesystem::path& path);
  /// A file of a library that writes in any order: streams are refused.
  void add_file(const std::string& option, const std::filesystem::path& path);
  /// The command prints `words` ("--json", "the matches"): nothing else may go to standard output.
  void add_printed(const std::string& words);
  /// A file or folder that is read, and so must not be written over. Empty paths are ignored.
  void add_input(const std::filesystem::path& path);
  /// Throws InvalidArgument for two outputs at one place or an output over an input, IoError for a folder that is
  /// missing or cannot be written to (tried by making a file there), a folder in the output's place, or a stream that
  /// cannot be written to. /dev/null takes any number of outputs.
  void check() const;

 private:
  struct Output {
    std::string option;
    std::filesystem::path path;
    bool any_order = false;  ///< needs a file
    bool printed = false;    ///< by the session
  };
  void check_place(std::size_t output) const;

  std::vector<Output> outputs_;
  std::vector<std::filesystem::path> inputs_;
};

}  // namespace twinpatch::app
