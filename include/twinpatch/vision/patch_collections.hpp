// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "twinpatch/patches/pair_list.hpp"
#include "twinpatch/patches/patch_set.hpp"

namespace twinpatch {

/// UBC PhotoTour folder (Winder & Brown): patchesNNNN.bmp or .png sheets of 16×16 patches of 64×64, left to right, then
/// top to bottom, numbered from 0 without gaps; the set ends with info.txt's last line. Instead of sheets the folder
/// may hold `patches.npy`: uint8 [N, height, width], of any size.
struct PhotoTour {
  PatchSet patches;
  std::vector<std::int64_t> points;  ///< 3D point of each patch
};
/// `patches.npy` of such a folder; nothing if it has sheets. Throws FormatError unless it has `count` patches.
[[nodiscard]] std::optional<PatchSet> read_patch_array(const std::filesystem::path& folder, std::int64_t count);
/// The folder's sheets, by number. Throws FormatError if a number is missing or duplicate.
[[nodiscard]] std::vector<std::filesystem::path> photo_tour_sheets(const std::filesystem::path& folder);
[[nodiscard]] bool is_photo_tour(const std::filesystem::path& folder);
/// First column of the folder's interest.txt, a line a patch: the reference image of the patch's point. Empty if there
/// is no such file. Throws FormatError, also for another number of lines than `count`.
[[nodiscard]] std::vector<std::int64_t> read_reference_images(const std::filesystem::path& folder, std::int64_t count);
/// Throws FormatError (a sheet of another size, a missing or duplicate number, fewer patches than info.txt has lines,
/// an array of another number), IoError.
[[nodiscard]] PhotoTour read_photo_tour(const std::filesystem::path& folder);

/// One HPatches sequence: strips ref, e1…e5, h1…h5, t1…t5, 65 wide; row i of every strip is the same point.
struct HPatchesSequence {
  std::string name;
  std::vector<std::string> strips;  ///< "ref", "e1", …, those that exist
  std::vector<PatchSet> patches;    ///< one set per strip, all of the same length, 65×65 as stored
};
[[nodiscard]] bool is_hpatches(const std::filesystem::path& folder);
[[nodiscard]] std::vector<std::filesystem::path> hpatches_sequences(const std::filesystem::path& folder);
/// Strips missing in a sequence that another one of the folder has ("i_dome/t3.png"); also ref.png of folders that have
/// other strips.
[[nodiscard]] std::vector<std::string> missing_hpatches_strips(const std::filesystem::path& folder);
[[nodiscard]] HPatchesSequence read_hpatches_sequence(const std::filesystem::path& folder);
/// Patches of each of its strips, by ref.png.
[[nodiscard]] std::int64_t hpatches_patch_count(const std::filesystem::path& folder);

/// Resizes patches to side × side: area average when shrinking, cubic when growing.
[[nodiscard]] PatchSet resize_patches(PatchView patches, int side);

}  // namespace twinpatch
