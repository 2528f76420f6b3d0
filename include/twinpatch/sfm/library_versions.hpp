// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace twinpatch {

/// Of the libraries behind COLMAP's databases and hloc's files, as they are loaded: "3.40.1"; empty in a build without.
[[nodiscard]] std::string sqlite_version();
[[nodiscard]] std::string hdf5_version();

}  // namespace twinpatch
