// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "twinpatch/sfm/colmap_database.hpp"

namespace twinpatch {

/// The state of a reconstruction once matches are in the database.
struct ColmapNextStep {
  std::filesystem::path database;
  std::filesystem::path images;
  std::filesystem::path pair_list;  ///< names of the pairs that have rows
  std::filesystem::path sparse;     ///< folder for the reconstruction
  ColmapSchema schema = ColmapSchema::v3_8;
  bool verified = false;         ///< every pair has its geometry
  bool list_has_spaces = false;  ///< a name that COLMAP would read as two
};

/// The commands that lead from there to a reconstruction, quoted for a POSIX shell. Empty if that release of COLMAP
/// cannot verify these pairs, because its list would be split at the space in a name.
[[nodiscard]] std::vector<std::string> colmap_next_commands(const ColmapNextStep& step);

/// The same by way of Python's pycolmap, each a command of the shell.
[[nodiscard]] std::vector<std::string> pycolmap_next_commands(const ColmapNextStep& step);

/// A word quoted for a POSIX shell, if it needs quotes.
[[nodiscard]] std::string shell_quote(const std::string& word);

}  // namespace twinpatch
