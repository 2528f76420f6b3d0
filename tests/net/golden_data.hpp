// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>

namespace twinpatch::test {

/// Folder with the originals' weights and outputs: $TWINPATCH_GOLDEN_DIR, or "golden" of $TWINPATCH_DATA_DIR. Where it
/// is absent, says that the test is skipped and returns nothing.
inline std::optional<std::filesystem::path> golden_folder() {
  const char* direct = std::getenv("TWINPATCH_GOLDEN_DIR");
  const char* data = std::getenv("TWINPATCH_DATA_DIR");
  const std::filesystem::path folder = direct != nullptr ? direct : std::filesystem::path(data ? data : ".") / "golden";
  if (std::filesystem::exists(folder / "test_data.bin")) return folder;
  std::cout << "skipped: no golden data\n";
  return std::nullopt;
}

}  // namespace twinpatch::test
