// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "twinpatch/core/thread_pool.hpp"
#include "twinpatch/evaluate/comparer.hpp"
#include "twinpatch/evaluate/transfer_counts.hpp"
#include "twinpatch/vision/image_sequence.hpp"

namespace twinpatch {

// Nearest-neighbour matching on image sequences with known homographies, as Mikolajczyk & Schmid measure it ("A
// performance evaluation of local descriptors", PAMI 2005) and the paper's section 4.4 reports it: the keypoints of the
// first image against those of every other. A match is right if the two regions overlap: the left keypoint's
// circle mapped by the homography (an ellipse) and the right keypoint's, overlap error 1 − intersection/union
// below 0.5, both scaled so that the larger has a radius of 30 pixels, as their program does.

struct SequenceMatchingOptions {
  int max_keypoints = 2000;  ///< SIFT keypoints of each image, the strongest; 0: all
  float extent = 12.0F;      ///< side of a patch's window in σ
};

/// Keypoints of a sequence and their overlaps, computed once for all comparers.
struct SequenceTruth {
  ImageSequence sequence;
  std::vector<std::vector<Keypoint>> keypoints;  ///< of each image
  /// [image − 1][left keypoint]: right keypoints whose region overlaps, ascending.
  std::vector<std::vector<std::vector<std::int32_t>>> overlapping;
};
[[nodiscard]] SequenceTruth find_sequence_truth(ImageSequence sequence, const SequenceMatchingOptions& options,
                                                ThreadPool& pool, const RunControl& control = {});

/// Overlap error of two regions, 0 (the same) to 1 (apart): circles of radius σ around the keypoints, the left one
/// mapped by the homography. 1 if it cannot be mapped.
[[nodiscard]] double overlap_error(const Keypoint& left, const Keypoint& right, const Homography& homography);

/// The first image against another one.
struct PairMatching {
  int image = 2;  ///< number of the other image, as in its name
  std::int64_t left_keypoints = 0, right_keypoints = 0;
  std::int64_t correspondences = 0;  ///< left keypoints with a partner, an overlapping right one: what recall counts
  double average_precision = 0;      ///< of nearest neighbours ranked by score; 0 without correspondences
  std::int64_t mutual = 0;           ///< mutual nearest neighbours
  TransferCounts transfers;          ///< of these; right within three pixels
};

struct SequenceMatching {
  std::string sequence;
  std::vector<PairMatching> pairs;
  [[nodiscard]] double mean_average_precision() const;
};

/// How one comparer matches one sequence.
[[nodiscard]] SequenceMatching match_sequence(Comparer& comparer, const SequenceTruth& truth,
                                              const SequenceMatchingOptions& options, ThreadPool& pool,
                                              const RunControl& control = {});

}  // namespace twinpatch
