// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>

#include "support/real_data.hpp"
#include "twinpatch/net/model.hpp"

namespace twinpatch::test {

/// Folder with the originals' weights and outputs: $TWINPATCH_GOLDEN_DIR, or "golden" of the real data. Where it is
/// absent, says that the test is skipped and returns nothing.
inline std::optional<std::filesystem::path> golden_folder() {
  const char* const direct = std::getenv("TWINPATCH_GOLDEN_DIR");
  const std::filesystem::path folder = direct != nullptr ? std::filesystem::path(direct) : real_data("golden");
  if (std::filesystem::exists(folder / "test_data.bin")) return folder;
  std::cout << "skipped: no golden data\n";
  return std::nullopt;
}

/// What a network of the originals gave; fails the test where the file lacks it.
inline const GoldenFile::Entry& golden_entry(const GoldenFile& golden, const std::string& path) {
  const auto found = std::find_if(golden.entries.begin(), golden.entries.end(),
                                  [&](const GoldenFile::Entry& entry) { return entry.path == path; });
  REQUIRE(found != golden.entries.end());
  return *found;
}

}  // namespace twinpatch::test
