// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace twinpatch::test {

/// A file or folder of real data under $TWINPATCH_DATA_DIR, empty where it is absent: the test then says "skipped: ".
[[nodiscard]] inline std::filesystem::path real_data(const std::string& name) {
  const char* root = std::getenv("TWINPATCH_DATA_DIR");
  const std::filesystem::path path = std::filesystem::path(root == nullptr ? "../shared/data" : root) / name;
  return std::filesystem::exists(path) ? path : std::filesystem::path();
}

}  // namespace twinpatch::test
