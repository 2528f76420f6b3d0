// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apps/frame/session.hpp"
#include "twinpatch/collection/estimate.hpp"
#include "twinpatch/collection/plan.hpp"

namespace twinpatch::app {

/// The plan as lines (or, with --json, as "twinpatch.plan-summary/1") on standard output.
void print_plan(Session& session, const CollectionPlan& plan, const RunEstimate& estimate, const Shard& shard);

}  // namespace twinpatch::app
