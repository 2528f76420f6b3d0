// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "twinpatch/patches/match.hpp"
#include "twinpatch/sfm/image_pair_list.hpp"
#include "twinpatch/vision/keypoint.hpp"

// Files of OpenMVG: views by number (sfm_data.json), keypoints (.feat), descriptors (.desc), matches
// (matches.*.txt/.bin).

namespace twinpatch {

/// One image of an OpenMVG project.
struct OpenMvgView {
  std::uint32_t id = 0;  ///< its number in match files
  std::string name;      ///< path from the project's root path, slashes between folders
  std::string stem;      ///< its feature files are STEM.feat and STEM.desc
  int width = 0;
  int height = 0;
};

struct OpenMvgProject {
  std::filesystem::path root;      ///< `root_path`
  std::vector<OpenMvgView> views;  ///< by id
};

/// Reads the views of an sfm_data.json. Throws FormatError (naming what is missing or duplicate; two views of one stem
/// would share feature files, which OpenMVG does not notice), IoError.
[[nodiscard]] OpenMvgProject read_openmvg_project(const std::filesystem::path& path);

/// STEM.feat: one line per keypoint, "x y scale orientation" (σ, radians; the first pixel's centre is (0, 0) there, so
/// half a pixel is added). Throws FormatError with the line, IoError.
[[nodiscard]] std::vector<Keypoint> read_openmvg_features(const std::filesystem::path& path);
/// Atomic; floats survive the round trip but for the half pixel.
void write_openmvg_features(const std::filesystem::path& path, std::span<const Keypoint> keypoints);
/// STEM.desc: `count` rows of 128 bytes, all zero. OpenMVG opens the file beside every .feat and relies on its number
/// of rows, though geometric filtering and reconstruction never read a row (guided matching does). Atomic.
void write_openmvg_descriptors(const std::filesystem::path& path, std::int64_t count);

/// Writes matches.putative.txt or .bin (by the ending): OpenMVG keeps them in a map by view ids, the lower one first,
/// so a pair whose first view has the higher id is swapped. The file appears whole at commit() or not at all.
class OpenMvgMatchWriter {
 public:
  /// `view_ids` by image; `keypoint_counts` likewise. Throws InvalidArgument (another ending, duplicate ids),
  /// IoError.
  OpenMvgMatchWriter(const std::filesystem::path& path, std::vector<std::uint32_t> view_ids,
                     std::vector<std::int64_t> keypoint_counts);
  ~OpenMvgMatchWriter();
  OpenMvgMatchWriter(OpenMvgMatchWriter&&) noexcept;
  OpenMvgMatchWriter& operator=(OpenMvgMatchWriter&&) noexcept;

  /// Pairs in any order; a pair without matches is skipped, as in OpenMVG. Throws InvalidArgument for an index out of
  /// range or a duplicate pair in either order, IoError.
  void write(ImagePair pair, std::span<const Match> matches);
  /// Throws IoError; then the file does not appear.
  void commit();
  [[nodiscard]] std::int64_t pairs() const;  ///< written so far

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace twinpatch
