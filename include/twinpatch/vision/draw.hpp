// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

#include "twinpatch/patches/match.hpp"
#include "twinpatch/patches/patch_set.hpp"
#include "twinpatch/vision/homography.hpp"
#include "twinpatch/vision/keypoint.hpp"

namespace twinpatch {

/// A photograph's file and places in it.
struct MarkedPhotograph {
  std::filesystem::path image;
  std::span<const Keypoint> keypoints;
};

/// Both photographs side by side (scaled down where they are wider than 2400 pixels together), matches as lines: with
/// `correct` (one flag per match) right ones are green and wrong ones red, otherwise coloured by their height in the
/// left image. PNG or by extension, atomic, as all pictures here. Throws InvalidArgument, IoError, FormatError.
void draw_matches(const std::filesystem::path& path, const MarkedPhotograph& left, const MarkedPhotograph& right,
                  std::span<const Match> matches, std::span<const char> correct = {});

/// Contact sheet of what the network sees: matched pairs side by side with their scores, best first.
void draw_pairs(const std::filesystem::path& path, PatchView left, PatchView right, std::span<const Match> matches,
                int max_pairs = 200);
/// The same sheet as the bytes of a PNG file. Throws InvalidArgument.
[[nodiscard]] std::vector<std::byte> draw_pairs_as_png(PatchView left, PatchView right, std::span<const Match> matches,
                                                       int max_pairs = 200);
/// Contact sheet of single patches.
void draw_patches(const std::filesystem::path& path, PatchView patches, int max_patches = 400);

}  // namespace twinpatch
