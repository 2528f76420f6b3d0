// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "apps/frame/session.hpp"
#include "apps/twinpatch/photograph.hpp"
#include "twinpatch/engine/engine.hpp"

namespace twinpatch::app {

struct TwoPhotographs {
  const Photograph& left;
  const Photograph& right;
};
/// Matches twice: everything with everything, then what lies within `band` pixels of the epipolar lines (or, of a
/// plane, of the places) that follow from the first matches. Says how much that was. Where no geometry follows, warns
/// and returns the first matches.
[[nodiscard]] std::vector<Match> match_guided(Session& session, Engine& engine, const TwoPhotographs& photographs,
                                              const MatchRules& rules, double band);

}  // namespace twinpatch::app
