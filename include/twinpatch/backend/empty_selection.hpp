// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "twinpatch/backend/selection.hpp"

namespace twinpatch {

/// Throws InvalidArgument if a grid cannot be indexed with 32 bits, top_k is below 1, the threshold is not a number,
/// or the segments do not begin with 0, ascend and end within the columns.
void check(const SelectionRequest& request);

/// Throws InvalidArgument unless rows [first_row, first_row + rows) and columns [first_column, first_column + columns)
/// are of the grid.
void check_tile(const SelectionRequest& request, std::int64_t first_row, std::int64_t rows, std::int64_t first_column,
                std::int64_t columns);

/// The selection of a grid before its first score: index −1 and score −infinity everywhere.
/// Throws InvalidArgument as check() does.
[[nodiscard]] Selected empty_selection(const SelectionRequest& request);

}  // namespace twinpatch
