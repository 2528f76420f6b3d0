// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "twinpatch/core/run_control.hpp"
#include "twinpatch/core/thread_pool.hpp"
#include "twinpatch/patches/patch_set.hpp"
#include "twinpatch/vision/keypoint.hpp"

namespace twinpatch {

/// How a dataset is written, wherever its patches come from.
struct DatasetOptions {
  std::filesystem::path folder;  ///< the dataset; written as FOLDER.tmp, then renamed
  bool replace = false;          ///< replace an existing dataset of that name (never anything else)
  std::uint64_t seed = 1;        ///< same inputs, options and seed: same bytes
  float extent = 12.0F;          ///< side of a patch's window, in units of the keypoint's sigma
  bool upright = false;          ///< ignore the keypoints' angles
  double min_contrast = 4.0;     ///< drop patches with a lower standard deviation of grey levels
  int max_views = 0;             ///< most patches of one point, chosen at random; 0: all
  std::vector<std::int64_t> list_sizes{1000, 10000, 100000};  ///< matches (and as many non-matches) of each m50 list
  std::int64_t hard_pairs = 2000;  ///< matches (and as many non-matches) of the hard list; 0: none
};
/// Throws InvalidArgument with the option's name.
void check(const DatasetOptions& options);

/// Where a patch comes from. Two patches match if and only if their `point` is the same.
struct PatchRecord {
  std::int64_t point = 0;
  std::int32_t image = 0;
  Keypoint keypoint;
};

/// A file or folder that a dataset was to be made of, and was not.
struct LeftOutInput {
  std::string name;      ///< relative to what was named
  std::string reason;    ///< one line
  bool damaged = false;  ///< it could not be read, or listed
};

struct DatasetSummary {
  std::int64_t patches = 0;
  std::int64_t points = 0;
  std::int64_t images = 0;
  std::int64_t matching_pairs = 0;  ///< pairs of patches of one point, over all points
  std::int64_t dropped_flat = 0;    ///< patches without contrast
  std::int64_t dropped_single = 0;  ///< points with a single patch, which has no match
  std::int64_t dropped_views = 0;   ///< patches beyond max_views
  std::vector<std::string> lists;   ///< names of the pair lists
  std::string content_hash;         ///< of patches, info.txt and lists
  std::vector<LeftOutInput> left_out;
};

/// Collects patches and writes them as a folder in PhotoTour layout:
///   patchesNNNN.png   1024×1024 grey, 16×16 patches of 64×64; patches of one point are consecutive
///   info.txt          "point image", one line per patch
///   interest.txt      "image x y angle log2(sigma)", one line per patch
///   images.txt        "image name"
///   m50_M_N_0.txt     M matches and N non-matches: "patch1 point1 0 patch2 point2 0 0"
///   hard50_M_N_0.txt  the same with hard pairs: dissimilar matches, similar non-matches
///   manifest.json     inputs, options, counts, seed, content hash
/// The folder appears whole or not at all.
class DatasetWriter {
 public:
  /// Makes FOLDER.tmp. Throws InvalidArgument (options), Error (folder exists), IoError.
  explicit DatasetWriter(const DatasetOptions& options);
  ~DatasetWriter();                                         ///< without finish() nothing remains on disk
  DatasetWriter(const DatasetWriter&) = delete;             // owns the temporary folder
  DatasetWriter& operator=(const DatasetWriter&) = delete;  // likewise

  /// The number of an image, for the records.
  [[nodiscard]] std::int32_t add_image(const std::string& name);
  /// Row i of `patches` (u8, 64×64) belongs to records[i]. Points may come in any order and over several calls.
  void add(std::span<const PatchRecord> records, PatchView patches);
  /// `source_json`: a JSON object with the origin of the patches, for the manifest. Throws Error if no
  /// pairs can be made: no point with two patches, or only one point (no non-matches).
  DatasetSummary finish(const std::string& source_json, ThreadPool& pool, const RunControl& control);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace twinpatch
