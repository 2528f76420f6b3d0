// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>

#include "twinpatch/patches/patch_set.hpp"

namespace twinpatch::train {

/// The first `count` patches of a PhotoTour folder's sheets, mapped from `cache`: a file of raw grey levels, [count,
/// 64, 64], named by a hash of the sheets' bytes, made once, sheet by sheet, so that the set never sits in memory.
/// Throws FormatError (a sheet of another size, too few patches), IoError.
[[nodiscard]] PatchSet open_sheets(const std::filesystem::path& folder, std::int64_t count,
                                   const std::filesystem::path& cache);

}  // namespace twinpatch::train
