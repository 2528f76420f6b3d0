// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "content_hash.hpp"
#include "source_json.hpp"
#include "staging_folder.hpp"
#include "twinpatch/dataset/candidates.hpp"
#include "twinpatch/formats/npy.hpp"
#include "twinpatch/vision/image.hpp"

namespace twinpatch::dataset {

/// The keypoint as it would be in the other image; nothing where that is not known.
using Carry = std::function<std::optional<Keypoint>(const Keypoint& keypoint, std::int64_t index)>;

/// Two images of a collection and the geometry between them.
struct KnownPair {
  int left = 0, right = 0;
  Carry to_right, to_left;
};

/// Writes a dataset of candidate lists: first all images, then all pairs. Patches, candidates and, meanwhile,
/// descriptors are on the disk: memory holds one image's patches and one pair's grid.
class CandidateWriter {
 public:
  /// Makes FOLDER.tmp. Throws InvalidArgument (options, or a network that cannot find candidates), Error, IoError.
  CandidateWriter(const CandidateOptions& options, const CandidateFinder& finder);

  /// Cuts and describes an image's keypoints, those inside it with a scale; returns its number. Images of an earlier
  /// number keep theirs.
  int add_image(const std::string& name, const GrayImage& image, std::span<const Keypoint> keypoints);
  [[nodiscard]] const std::vector<Keypoint>& keypoints(int image) const {
    return images_[static_cast<std::size_t>(image)].keypoints;
  }
  /// Candidates of the two images' keypoints; no image may follow.
  void add_pair(const KnownPair& pair);
  /// `source`: where the images come from. Throws Error if there is no list.
  CandidateSummary finish(const Json& source);

 private:
  struct Image {
    std::string name;
    std::vector<Keypoint> keypoints;
    std::int64_t begin = 0;  ///< its first patch
  };
  /// A candidate's number in the other image, and what is stored of it.
  struct Row {
    std::int32_t other = 0;
    std::int32_t mutual = 0;
    float similarity = 0;
  };
  [[nodiscard]] MatrixView descriptors(const Image& image);
  void add_list(const Image& own, std::int64_t keypoint, const Image& other, const Carry& carry,
                std::vector<Row>& rows);
  template <class T>
  void append(NpyWriter& writer, std::span<const T> values);
  void write_tables();
  void write_manifest(const Json& source);

  CandidateOptions options_;
  CandidateFinder finder_;
  StagingFolder folder_;
  std::vector<Image> images_;
  std::int64_t patches_count_ = 0;
  NpyWriter patches_, lists_, candidates_, measures_;
  std::optional<NpyWriter> described_;     ///< until the first pair
  std::optional<NpyArray> all_described_;  ///< from then on
  ContentHash hash_;
  CandidateSummary summary_;
};

}  // namespace twinpatch::dataset
