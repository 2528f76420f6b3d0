// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "twinpatch/collection/plan.hpp"
#include "twinpatch/core/run_control.hpp"

namespace twinpatch {

/// The plan of the run `before`, kept in `folder`, with the images of `wanted` (which has no blocks yet) and the pairs
/// among them: `before` itself where nothing is new, else its next generation. Throws PlanMismatch.
[[nodiscard]] CollectionPlan continue_plan(const CollectionPlan& wanted, const CollectionPlan& before,
                                           const PairSelection& pairs, const std::filesystem::path& folder,
                                           const RunControl& control);

}  // namespace twinpatch
