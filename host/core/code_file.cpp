// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/core/code_file.hpp"

#include <dlfcn.h>

#include <system_error>

namespace twinpatch {

namespace fs = std::filesystem;

fs::path code_file() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&code_file), &info) != 0) {
    fs::path file = info.dli_fname;  // of a program: the name it was called by
    if (file.is_absolute() && file.extension() == ".so") return file;
  }
  std::error_code failed;
  return fs::read_symlink("/proc/self/exe", failed);
}

fs::path python_prefix(const fs::path& file) {
  for (fs::path folder = file.parent_path(); folder.has_relative_path(); folder = folder.parent_path()) {
    if (folder.filename() != "site-packages" && folder.filename() != "dist-packages") continue;
    return folder.parent_path().parent_path().parent_path();  // lib/python3.12/site-packages
  }
  return {};
}

}  // namespace twinpatch
