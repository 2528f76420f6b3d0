// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "grid/row_grid.hpp"
#include "grid/strategies.hpp"

namespace twinpatch::cuda {

/// Linear – ReLU – Linear(1): the kernel's scores on the projections of either side are what is selected from.
std::unique_ptr<GridStrategy> make_head_grid(ScorerParts& parts) { return std::make_unique<RowGrid>(parts); }

}  // namespace twinpatch::cuda
