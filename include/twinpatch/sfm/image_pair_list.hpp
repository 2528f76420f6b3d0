// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "twinpatch/collection/image_pairs.hpp"

namespace twinpatch {

/// A name in a pair list that no image has.
struct UnknownImage {
  std::string name;
  std::int64_t line = 0;   ///< its first line, counted from 1
  std::int64_t pairs = 0;  ///< lines that name it
};

/// A pair list matched with the names of a collection. Every skipped line is counted here.
struct ImagePairList {
  std::vector<ImagePair> pairs;       ///< each once, in the order and direction of its first line
  std::vector<UnknownImage> unknown;  ///< in order of their first line
  std::int64_t unknown_pairs = 0;     ///< lines skipped because of them
  std::int64_t repeated = 0;          ///< lines skipped as duplicates, in either direction
  std::int64_t same_image = 0;        ///< lines skipped because they pair an image with itself
  std::int64_t first_same_image = 0;  ///< number of the first such line
  std::string path;

  /// False if a line was skipped for an unknown name or an image paired with itself: exit code 3.
  [[nodiscard]] bool complete() const noexcept { return unknown_pairs == 0; }
  /// One line for each unknown name and for pairs of an image with itself, ready to be shown.
  [[nodiscard]] std::vector<std::string> warnings() const;
};

/// Pair lists as COLMAP (`matches_importer --match_type pairs`) and hloc (`pairs-*.txt`) write them: a pair of names
/// per line; lines that begin with '#' and empty lines are ignored. Names are separated by one tab; in a line without a
/// tab, by spaces. A line of more than two words without a tab is accepted if exactly one of its spaces separates two
/// names of the collection. Throws FormatError with the line for any other line, InvalidArgument for a duplicate name
/// in `names`.
[[nodiscard]] ImagePairList parse_image_pairs(std::string_view text, const std::string& path,
                                              std::span<const std::string> names);
/// The same for a file. Also throws IoError.
[[nodiscard]] ImagePairList read_image_pairs(const std::filesystem::path& path, std::span<const std::string> names);

/// The text of such a list: a space between names, or a tab if a name contains a space (COLMAP and hloc
/// cannot read such lines). Throws InvalidArgument for a name that no list can hold (with a tab or a line end, a space
/// at its ends, '#' at the beginning of a line) and for an index out of range.
[[nodiscard]] std::string format_image_pairs(std::span<const ImagePair> pairs, std::span<const std::string> names);

}  // namespace twinpatch
