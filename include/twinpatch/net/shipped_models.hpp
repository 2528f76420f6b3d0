// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace twinpatch {

/// Names that find_model finds in the folders it searches, sorted: those of networks of the catalogue, and of further
/// models of one ("hard128-wide"). Folders that cannot be read have none.
[[nodiscard]] std::vector<std::string> shipped_models();

}  // namespace twinpatch
