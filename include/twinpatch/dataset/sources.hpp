// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <vector>

#include "twinpatch/dataset/dataset_writer.hpp"

namespace twinpatch {

/// Detected keypoints are noisy. Keypoints mapped by known geometry get similar noise, so that networks do not learn to
/// expect perfect alignment.
struct KeypointNoise {
  double position = 0.25;  ///< standard deviation of x and of y, in sigma
  double scale = 0.10;     ///< of the logarithm of sigma
  double angle = 8.0;      ///< degrees
  /// If the detector found a keypoint with about the same place, size and angle, use it in this share of cases: real
  /// noise instead of synthetic noise.
  double use_detected = 0.5;
};

/// Which keypoints of a sequence become points.
struct SequenceOptions {
  int max_keypoints = 2000;   ///< SIFT keypoints detected in each image; 0: all
  int max_points = 0;         ///< points of a sequence, chosen at random; 0: all
  double min_distance = 2.0;  ///< between two points, in sigma (the larger one), and never under 3 pixels
  double margin = 1.0;        ///< distance to the image's border, in half sides of the window
  double min_sigma = 0.9;     ///< pixels; points that become smaller in another image are dropped
  bool detect_in_all = true;  ///< points come from every image; else only from the first
  KeypointNoise noise{};
};

struct HomographyDatasetOptions {
  DatasetOptions dataset;
  SequenceOptions sequence;
  std::vector<std::filesystem::path> folders;  ///< img1.pgm … imgK.pgm (ppm, png, jpg) and H1to2p … H1toKp
};
/// One folder per sequence; several make one dataset. Throws Error for a missing H file, a singular or mirroring
/// homography, a folder without images.
DatasetSummary dataset_from_homographies(const HomographyDatasetOptions& options, ThreadPool& pool,
                                         const RunControl& control);

/// How a photograph is changed to make another view of it. All drawn at random up to these bounds.
struct WarpOptions {
  int views = 5;             ///< warped copies of each photograph
  double scale = 2.0;        ///< size changes by 1/scale … scale
  double rotation = 35.0;    ///< degrees; one view in four is turned by any angle
  double tilt = 2.0;         ///< foreshortening of a surface seen from the side: 1 … tilt (2: seen at 60 degrees)
  double perspective = 0.2;  ///< change of scale across the image
  double light = 1.0;        ///< strength of the changes of gamma, contrast and brightness; 0: none
  double blur = 2.0;         ///< largest sigma of blur, pixels
  double noise = 12.0;       ///< largest standard deviation, grey levels
  int jpeg_quality = 25;     ///< lowest quality of compression; 100: none
};

struct PhotographDatasetOptions {
  DatasetOptions dataset;
  SequenceOptions sequence{.max_keypoints = 1500, .max_points = 250, .detect_in_all = false};
  WarpOptions warp;
  int max_side = 1024;                       ///< larger photographs are reduced to this
  std::vector<std::filesystem::path> paths;  ///< folders (searched through) and image files
};
/// Photographs that are unreadable or have too few keypoints are skipped and counted in the manifest. Throws Error if
/// none remain.
DatasetSummary dataset_from_photographs(const PhotographDatasetOptions& options, ThreadPool& pool,
                                        const RunControl& control);

struct ColmapDatasetOptions {
  DatasetOptions dataset;
  std::filesystem::path model;     ///< folder with cameras, images and points3D, .bin or .txt
  std::filesystem::path images;    ///< folder of the photographs the model was made from
  std::filesystem::path database;  ///< COLMAP's database, for sigma and angle of keypoints; or
  bool affine = false;             ///< CutOptions::affine, by the shapes in the database
  std::filesystem::path tracks;    ///< text: "point X Y Z error n, n × (image x y sigma angle)"; or neither: keypoints
                                   ///< are detected again and the nearest is taken
  int min_track = 2;               ///< images a point must be seen in
  double max_error = 2.0;          ///< pixels of mean reprojection error; worse points are skipped
  double min_distance = 2.0;       ///< as in SequenceOptions; of two close points the one with the longer track is kept
  double margin = 1.0;             ///< likewise
  double min_sigma = 0.9;          ///< likewise
  // Points projected, with the known poses, into images in which they were not detected.
  bool reproject = true;
  double max_view_angle = 40.0;   ///< degrees to the nearest image that sees the point
  double depth_tolerance = 0.05;  ///< of the depth of the points seen around it
  int min_neighbours = 4;         ///< points seen around it that must agree
  double min_similarity = 0.55;   ///< of gradient histograms to a detected patch: the point is not hidden
  int max_reprojected = 4;        ///< of one point
  KeypointNoise noise{.position = 0.1, .scale = 0.05, .angle = 4.0, .use_detected = 0.0};
};
/// Throws Error naming a photograph that is missing or of another size than in the model.
DatasetSummary dataset_from_colmap(const ColmapDatasetOptions& options, ThreadPool& pool, const RunControl& control);

}  // namespace twinpatch
