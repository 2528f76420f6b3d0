// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apps/frame/session.hpp"
#include "apps/twinpatch/pair_choice.hpp"
#include "twinpatch/collection/estimate.hpp"
#include "twinpatch/collection/plan.hpp"

namespace twinpatch::app {

/// What a shard of a plan takes.
struct PlanSummary {
  RunEstimate estimate;  ///< of the blocks that are not done
  Shard shard;
  std::int64_t open = 0;                ///< blocks of the shard that are not done
  std::vector<std::int64_t> degrees{};  ///< pairs of each image of the plan
  std::vector<RuleCount> by_rule{};
};
/// The plan as lines (or, with --json, as "twinpatch.plan-summary/1") on standard output.
void print_plan(Session& session, const CollectionPlan& plan, const PlanSummary& summary);

}  // namespace twinpatch::app
