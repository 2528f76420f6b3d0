// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "random.hpp"
#include "source_json.hpp"
#include "twinpatch/core/thread_pool.hpp"
#include "twinpatch/dataset/dataset_writer.hpp"
#include "twinpatch/dataset/sources.hpp"
#include "twinpatch/vision/homography.hpp"
#include "twinpatch/vision/image.hpp"

namespace twinpatch::dataset {

/// An image of a flat scene (or of a turning camera), and how the first image's pixels come to lie in it.
struct View {
  GrayImage image;
  Homography from_first{1, 0, 0, 0, 1, 0, 0, 0, 1};
  std::string name;
  double blur = 0;  ///< pixels; nothing is left to see of keypoints whose sigma is smaller
};

/// The images of a sequence's folder; what it holds is added to the JSON list `inputs`. Throws Error for a folder that
/// lacks an image or a homography.
[[nodiscard]] std::vector<View> read_views(const std::filesystem::path& folder, Json& inputs);

/// Noise of position, scale and angle added (see KeypointNoise).
[[nodiscard]] Keypoint with_noise(const Keypoint& keypoint, const KeypointNoise& noise, Random& random);
/// Whether the keypoint is large enough and its window's inscribed circle, times `margin`, lies inside the image.
[[nodiscard]] bool is_usable(const Keypoint& keypoint, const GrayImage& image, float extent, double margin,
                             double min_sigma);

/// How sequences become patches, and where these go.
struct SequenceTarget {
  const SequenceOptions& options;
  const DatasetOptions& dataset;
  DatasetWriter& writer;
  ThreadPool& pool;
};

/// Finds points in a sequence, carries them over to all of its views, cuts their patches and gives them to the writer
/// under the numbers `first_point`, `first_point + 1`, … Returns how many points were used.
std::int64_t add_sequence(const SequenceTarget& target, std::span<const View> views, std::int64_t first_point,
                          Random& random);

}  // namespace twinpatch::dataset
