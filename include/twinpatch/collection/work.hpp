// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "twinpatch/collection/early_exit.hpp"
#include "twinpatch/collection/match_guide.hpp"
#include "twinpatch/collection/plan.hpp"

namespace twinpatch {

/// All that matching a collection needs. Refers to its parts, which must outlive it.
struct CollectionWork {
  Engine& engine;
  const ImageSource& source;
  const PairSelection& pairs;
  const CollectionPlan& plan;  ///< made for this engine, source and pairs (in the source's numbers), and for `rerank`
  Engine* rerank =
      nullptr;  ///< scores candidates of the first network too, by the rule in its model; null: no second network
  const MatchGuide* guide = nullptr;  ///< of a second pass, whose rule the plan has; null: no second pass
  const EarlyExit* early_exit =
      nullptr;  ///< before the first pass, whose rule the plan has; null: every pair is matched
};

}  // namespace twinpatch
