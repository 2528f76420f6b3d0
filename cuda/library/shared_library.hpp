// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace twinpatch::cuda {

/// Folders where cuDNN and cuBLASLt may lie, in the order in which they are looked at: those named in
/// TWINPATCH_CUDA_LIBRARIES, separated by colons; and, where the loader finds nothing by itself, `built_with` and the
/// nvidia/*/lib folders of Python installations, where PyTorch keeps them.
struct LibraryFolders {
  std::vector<std::filesystem::path> named;
  std::vector<std::filesystem::path> others;
};
[[nodiscard]] LibraryFolders library_folders(const std::filesystem::path& built_with);
/// nvidia/*/lib of the Python packages below the prefixes ("/usr/local"), sorted; what cannot be read is left out.
[[nodiscard]] std::vector<std::filesystem::path> python_library_folders(
    std::span<const std::filesystem::path> prefixes);

/// A shared library of this process, open until it ends.
class SharedLibrary {
 public:
  /// `name` as the loader looks for it: "libcudnn.so.9". Throws DeviceError, naming the folders, where it cannot be
  /// loaded.
  SharedLibrary(std::string name, const LibraryFolders& folders);
  /// Throws DeviceError where it has no such function.
  [[nodiscard]] void* find(const char* function) const;
  /// The file it was loaded from.
  [[nodiscard]] std::filesystem::path path() const;

 private:
  std::string name_;
  void* handle_ = nullptr;
};

}  // namespace twinpatch::cuda
