// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "twinpatch/collection/plan.hpp"

namespace twinpatch {

/// Of a run's first plan "twinpatch.plan/1", as version 0.1.0 wrote it; of one that continues a run "twinpatch.plan/2".
[[nodiscard]] const char* plan_schema(const CollectionPlan& plan);

/// Nine digits, from which a float comes back the same.
[[nodiscard]] std::string exact_text(float value);

/// The hash over everything in a plan but its id.
[[nodiscard]] std::string plan_id(const CollectionPlan& plan);

}  // namespace twinpatch
