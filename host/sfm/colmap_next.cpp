// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/sfm/colmap_next.hpp"

#include <fmt/format.h>

namespace twinpatch {

std::string shell_quote(const std::string& word) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

namespace {

/// A call of pycolmap, whose arguments are words of the shell.
std::string python(std::string_view function, const std::string& arguments) {
  return fmt::format("python3 -c 'import pycolmap, sys; pycolmap.{}(*sys.argv[1:])' {}", function, arguments);
}

}  // namespace

std::vector<std::string> pycolmap_next_commands(const ColmapNextStep& step) {
  const std::string database = shell_quote(step.database.string());
  const std::string sparse = shell_quote(step.sparse.string());
  std::vector<std::string> commands;
  if (!step.verified) {
    if (step.schema >= ColmapSchema::v4_0) {
      commands.push_back(python("geometric_verification", database));
    } else if (step.list_has_spaces) {
      return {};
    } else {
      commands.push_back(python("verify_matches", database + " " + shell_quote(step.pair_list.string())));
    }
  }
  commands.push_back(fmt::format("mkdir -p {}", sparse));
  commands.push_back(
      python("incremental_mapping", fmt::format("{} {} {}", database, shell_quote(step.images.string()), sparse)));
  return commands;
}

std::vector<std::string> colmap_next_commands(const ColmapNextStep& step) {
  const std::string database = shell_quote(step.database.string());
  const std::string sparse = shell_quote(step.sparse.string());
  std::vector<std::string> commands;
  if (!step.verified) {
    if (step.schema >= ColmapSchema::v4_0) {
      commands.push_back(fmt::format("colmap geometric_verifier --database_path {}", database));
    } else if (step.list_has_spaces) {
      return {};
    } else {
      // Nothing is matched there, but up to 3.11 the option decides whether COLMAP opens a window for OpenGL. Newer
      // releases call it otherwise.
      const char* no_gpu = step.schema < ColmapSchema::v3_12 ? " --SiftMatching.use_gpu 0" : "";
      commands.push_back(
          fmt::format("colmap matches_importer --database_path {} --match_list_path {} --match_type pairs{}", database,
                      shell_quote(step.pair_list.string()), no_gpu));
    }
  }
  commands.push_back(fmt::format("mkdir -p {}", sparse));
  commands.push_back(fmt::format("colmap mapper --database_path {} --image_path {} --output_path {}", database,
                                 shell_quote(step.images.string()), sparse));
  return commands;
}

}  // namespace twinpatch
