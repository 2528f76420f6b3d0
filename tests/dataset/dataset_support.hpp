// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "support/real_data.hpp"
#include "support/temporary_folder.hpp"
#include "twinpatch/core/thread_pool.hpp"
#include "twinpatch/dataset/dataset_writer.hpp"
#include "twinpatch/vision/homography.hpp"
#include "twinpatch/vision/image.hpp"

namespace twinpatch::test {

/// A grey picture with blobs and edges of many sizes: what SIFT finds keypoints in.
[[nodiscard]] GrayImage textured_image(int width, int height, std::uint64_t seed);
/// The picture as the homography shows it, bilinearly, mid-grey outside.
[[nodiscard]] GrayImage seen_through(const GrayImage& image, const Homography& homography);
void write_text(const std::filesystem::path& path, const std::string& text);
[[nodiscard]] std::string as_text(const Homography& homography);
/// img1.pgm … img3.pgm and their H files.
[[nodiscard]] std::filesystem::path write_sequence(const TemporaryFolder& folder, const std::string& name,
                                                   std::uint64_t seed);

/// A dataset read back without the library: columns of info.txt, and the pixels of its sheets.
struct ReadDataset {
  std::vector<std::int64_t> points;
  std::vector<std::int64_t> images;
  std::vector<std::vector<std::uint8_t>> patches;
};
[[nodiscard]] ReadDataset read_dataset(const std::filesystem::path& folder);
/// Every file of a folder, by name.
[[nodiscard]] std::map<std::string, std::string> file_contents(const std::filesystem::path& folder);
/// Correlation of two patches' grey levels, -1 … 1.
[[nodiscard]] double correlation(const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& b);
/// Share of pairs of patches of one point that correlate better than the pairs of the first patches of two points do in
/// the mean; and the two means.
struct Likeness {
  double same = 0;
  double other = 0;
};
[[nodiscard]] Likeness likeness(const ReadDataset& dataset);

/// Small lists, quick to make.
[[nodiscard]] DatasetOptions quick_options(const std::filesystem::path& folder);

}  // namespace twinpatch::test
