// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "twinpatch/backend/selection.hpp"

namespace twinpatch {

/// Throws InvalidArgument where a grid cannot be indexed with 32 bits, top_k is below 1, the threshold is not a number,
/// or the segments do not begin with 0, ascend and end within the columns.
void check(const SelectionRequest& request);

/// What is kept of a grid before any of its scores was seen: index −1 and score −infinity everywhere.
/// Throws InvalidArgument as check() does.
[[nodiscard]] Selected empty_selection(const SelectionRequest& request);

}  // namespace twinpatch
