// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "twinpatch/sfm/colmap_database.hpp"

namespace twinpatch {

/// Where a reconstruction stands once matches are in the database.
struct ColmapNextStep {
  std::filesystem::path database;
  std::filesystem::path images;
  std::filesystem::path pair_list;  ///< names of the pairs that have rows
  std::filesystem::path sparse;     ///< folder for the reconstruction
  ColmapSchema schema = ColmapSchema::v3_8;
  bool verified = false;         ///< every pair has its geometry
  bool list_has_spaces = false;  ///< a name that COLMAP would read as two
};

/// The commands that lead on from there to a reconstruction, quoted for a POSIX shell. Empty where COLMAP of that
/// release has no way to verify these pairs: its list would be split at the space in a name.
[[nodiscard]] std::vector<std::string> colmap_next_commands(const ColmapNextStep& step);

/// A word as a POSIX shell reads it back: in single quotes where it needs them.
[[nodiscard]] std::string shell_quote(const std::string& word);

}  // namespace twinpatch
