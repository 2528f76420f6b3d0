// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "twinpatch/patches/match.hpp"
#include "twinpatch/sfm/image_pair_list.hpp"

// Matches as hloc keeps them (matches.h5). In builds without HDF5 every function here throws Error saying so.

namespace twinpatch {

/// The group of a pair: both names with '-' for '/', a slash between. hloc looks for either order.
[[nodiscard]] std::string hloc_pair_key(const std::string& first, const std::string& second);

/// Writes a matches.h5: one group per pair with `matches0` [N0] (index in the second image, -1: none; int16 as hloc
/// writes it if the second image has at most 32,767 keypoints, else int32, which hloc also reads) and
/// `matching_scores0` [N0] (binary16, 0 for none; float32 for a pair with a score beyond binary16). The file appears
/// whole at commit() or not at all; any HDF5 from 1.10 on reads it.
class HlocMatchWriter {
 public:
  /// Names and keypoint counts of the collection. Throws IoError.
  HlocMatchWriter(const std::filesystem::path& path, std::vector<std::string> names,
                  std::vector<std::int64_t> keypoint_counts);
  ~HlocMatchWriter();
  HlocMatchWriter(HlocMatchWriter&&) noexcept;
  HlocMatchWriter& operator=(HlocMatchWriter&&) noexcept;

  /// Throws InvalidArgument for an index out of range, two matches of one left keypoint (the layout holds one), a
  /// duplicate pair in either order, a name no group can have, or two images whose names differ only in '/' and '-' and
  /// so would share a group. Throws IoError (disk full).
  void write(ImagePair pair, std::span<const Match> matches);
  /// Throws IoError; then the file does not appear.
  void commit();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Matches of two images in a matches.h5, left indices in `first`; nothing if the file has no such pair. Searches as
/// hloc does: both orders, and the older keys joined by '_'. Throws IoError, FormatError.
[[nodiscard]] std::optional<std::vector<Match>> read_hloc_matches(const std::filesystem::path& path,
                                                                  const std::string& first, const std::string& second);

}  // namespace twinpatch
