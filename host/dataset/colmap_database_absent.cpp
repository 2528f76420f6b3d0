// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0

// The body of builds without SQLite.
#include <fmt/format.h>

#include "colmap_keypoints.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch::dataset {

std::map<std::string, std::vector<Keypoint>> read_colmap_database(const std::filesystem::path& path) {
  throw Error(fmt::format("{}: cannot be read: this twinpatch was built without SQLite", path.string()));
}

}  // namespace twinpatch::dataset
