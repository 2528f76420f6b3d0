// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <filesystem>
#include <span>
#include <vector>

#include "twinpatch/match/matches.hpp"
#include "twinpatch/patches/patch_set.hpp"
#include "twinpatch/vision/keypoint.hpp"

namespace twinpatch {

/// Maps points of one image to another, row-major; on pixel coordinates whose first pixel's centre is (0,0), as the
/// Oxford sequences and OpenCV have it.
using Homography = std::array<double, 9>;
/// Nine numbers in text, or OpenCV's XML, YAML or JSON (also gzipped) with one 3×3 matrix. Throws FormatError, IoError.
[[nodiscard]] Homography read_homography(const std::filesystem::path& path);
/// For each match: distance in pixels of the right image between the left keypoint carried over and the right keypoint;
/// infinite for a point on the horizon. Throws InvalidArgument for a match of keypoints that are not there.
[[nodiscard]] std::vector<double> transfer_errors(std::span<const Keypoint> left, std::span<const Keypoint> right,
                                                  std::span<const Match> matches, const Homography& homography);

/// Both photographs side by side (scaled down where they are wider than 2400 pixels together), matches as lines: with
/// `correct` (one flag a match) right ones green and wrong ones red, otherwise coloured by their height in the left
/// one. PNG or by extension, atomic, as all pictures here. Throws InvalidArgument, IoError, FormatError.
void draw_matches(const std::filesystem::path& path, const std::filesystem::path& left_image,
                  const std::filesystem::path& right_image, std::span<const Keypoint> left,
                  std::span<const Keypoint> right, std::span<const Match> matches, std::span<const char> correct = {});

/// Contact sheet of what the network sees: matched pairs side by side with their scores, best first.
void draw_pairs(const std::filesystem::path& path, PatchView left, PatchView right, std::span<const Match> matches,
                int max_pairs = 200);
/// Contact sheet of single patches.
void draw_patches(const std::filesystem::path& path, PatchView patches, int max_patches = 400);

}  // namespace twinpatch
