// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "twinpatch/collection/plan.hpp"

namespace twinpatch {

inline constexpr const char* kPlanSchema = "twinpatch.plan/1";

/// Nine digits, from which a float comes back the same.
[[nodiscard]] std::string exact_text(float value);

/// The hash over everything in a plan but its id.
[[nodiscard]] std::string plan_id(const CollectionPlan& plan);

}  // namespace twinpatch
