// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "twinpatch/dataset/sources.hpp"
#include "twinpatch/engine/engine.hpp"

// Datasets of candidate lists: what a descriptor proposes for every keypoint, and what known geometry says of it.
// twinpatch/patches/candidate_lists.hpp reads them.

namespace twinpatch {

struct CandidateOptions {
  std::filesystem::path folder;  ///< the dataset; written as FOLDER.tmp, then renamed
  bool replace = false;          ///< replace an existing dataset of that name (never anything else)
  std::uint64_t seed = 1;        ///< same inputs, options and seed: same bytes on one machine
  float extent = 20.0F;          ///< side of a patch's window, in units of the keypoint's sigma
  bool upright = false;          ///< ignore the keypoints' angles
  int max_keypoints = 1000;      ///< of each image; 0: all
  int nearest = 8;               ///< candidates of each keypoint, in both directions
};
/// Throws InvalidArgument with the option's name.
void check(const CandidateOptions& options);

struct CandidateSummary {
  std::int64_t images = 0;
  std::int64_t image_pairs = 0;
  std::int64_t patches = 0;
  std::int64_t lists = 0;
  std::int64_t lists_within = 0;  ///< those with a candidate within 3 pixels
  std::int64_t candidates = 0;
  std::string content_hash;  ///< of all arrays
  std::vector<LeftOutInput> left_out;
};

/// Finds candidates by `first`: a siamese network with descriptors, throws InvalidArgument for another.
struct CandidateFinder {
  Engine& first;
  ThreadPool& pool;
  const RunControl& control;
};

/// Every image of a sequence with every other. Throws as dataset_from_homographies() does, Error where there is no
/// list.
CandidateSummary candidates_from_homographies(const CandidateOptions& options,
                                              const std::vector<std::filesystem::path>& folders,
                                              const CandidateFinder& finder);

struct PhotographViews {
  std::vector<std::filesystem::path> paths;  ///< folders (searched through) and image files
  WarpOptions warp;
  int max_side = 1024;  ///< larger photographs are reduced to this
};
/// Every photograph and its views with each other. Throws as dataset_from_photographs() does.
CandidateSummary candidates_from_photographs(const CandidateOptions& options, const PhotographViews& photographs,
                                             const CandidateFinder& finder);

struct ReconstructedImages {
  std::filesystem::path model;     ///< folder with cameras, images and points3D, .bin or .txt
  std::filesystem::path images;    ///< folder of the photographs
  std::filesystem::path database;  ///< COLMAP's database, for sigma and angle; empty: keypoints are detected again
  int partners = 4;                ///< of each image, drawn from those that share points with it
};
/// Images that share points. A keypoint has a list if the model knows its point and that is seen in the other image, by
/// its track or by the depth of the points around it; its place there is the point's projection, its size and direction
/// come by the surface about it. All keypoints of an image can be candidates. Of a database's keypoints those of the
/// largest σ are used. Throws as dataset_from_colmap() does.
CandidateSummary candidates_from_colmap(const CandidateOptions& options, const ReconstructedImages& images,
                                        const CandidateFinder& finder);

}  // namespace twinpatch
