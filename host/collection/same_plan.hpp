// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "twinpatch/collection/plan.hpp"

namespace twinpatch {

/// Throws PlanMismatch naming the first setting that differs: all but images and pairs.
void check_same_settings(const CollectionPlan& wanted, const CollectionPlan& found,
                         const std::filesystem::path& folder);

}  // namespace twinpatch
