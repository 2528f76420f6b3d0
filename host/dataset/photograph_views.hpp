// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "random.hpp"
#include "sequence.hpp"
#include "source_json.hpp"

namespace twinpatch::dataset {

struct PhotographFile {
  std::filesystem::path path;
  std::string name;  ///< relative to the folder that was named, for messages and seeds: not where it lies on this disk
};

/// The pictures that are named and those below the folders, by name; what cannot be listed goes to `left_out`. Throws
/// IoError for a path that is not there.
[[nodiscard]] std::vector<PhotographFile> find_photographs(const std::vector<std::filesystem::path>& paths,
                                                           std::vector<LeftOutInput>& left_out);

/// Reduced so that the longer side is at most `max_side` (0: never). Nothing for a photograph that is unreadable or too
/// small, which goes to `left_out`.
[[nodiscard]] std::optional<GrayImage> read_photograph(const PhotographFile& photograph, int max_side,
                                                       std::vector<LeftOutInput>& left_out);

/// The photograph and views of it, made at random.
[[nodiscard]] std::vector<View> make_views(const std::string& name, GrayImage photograph, const WarpOptions& options,
                                           Random& random);

/// Throws InvalidArgument with the option's name.
void check_views(const std::vector<std::filesystem::path>& paths, const WarpOptions& options);

/// Error: none of the `found` files could be used.
[[noreturn]] void throw_without_photographs(const std::vector<std::filesystem::path>& paths, std::size_t found,
                                            const std::vector<LeftOutInput>& left_out);

[[nodiscard]] Json to_json(const WarpOptions& options, int max_side);
[[nodiscard]] Json to_json(const std::vector<LeftOutInput>& left_out);

}  // namespace twinpatch::dataset
