// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "twinpatch/patches/patch_set.hpp"

namespace twinpatch::train {

/// The first `count` patches of a PhotoTour folder's sheets, mapped from `cache`: a file of raw grey levels, [count,
/// 64, 64], named by a hash of the sheets' bytes, made once, sheet by sheet, so that the set never sits in memory.
/// Throws FormatError (a sheet of another size, too few patches), IoError.
[[nodiscard]] PatchSet open_sheets(const std::filesystem::path& folder, std::int64_t count,
                                   const std::filesystem::path& cache);

/// All strips of HPatches' sequences, their patches reduced from 65×65 to 64×64, mapped likewise.
struct StripPatches {
  PatchSet patches;
  std::vector<std::int64_t> points;  ///< of each patch: rows of one sequence show the same points in all its strips
  std::vector<std::int64_t> images;  ///< of each patch: its strip
};
/// Throws FormatError, IoError.
[[nodiscard]] StripPatches open_strips(const std::filesystem::path& folder, const std::filesystem::path& cache);

}  // namespace twinpatch::train
