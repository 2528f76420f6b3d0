// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "apps/frame/session.hpp"
#include "apps/twinpatch/guide.hpp"
#include "apps/twinpatch/photograph.hpp"
#include "apps/twinpatch/two_stages.hpp"
#include "twinpatch/engine/engine.hpp"

namespace twinpatch::app {

/// A network, or two of them whose scores are added, and which scores are matches.
struct PhotographMatcher {
  std::shared_ptr<Engine> first;
  const SecondNetwork* second = nullptr;  ///< or null
  MatchRules rules;
};

struct TwoPhotographs {
  const Photograph& left;
  const Photograph& right;
};

/// Everything with everything; with a guide then what lies where it says, of which it says how much that was. Where no
/// geometry follows from the first matches, warns and returns these. Throws what make_guide() does.
[[nodiscard]] std::vector<Match> match_photographs(Session& session, const PhotographMatcher& matcher,
                                                   const TwoPhotographs& photographs, const GuideChoice& guide);

}  // namespace twinpatch::app
