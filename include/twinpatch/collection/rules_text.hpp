// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "twinpatch/collection/plan.hpp"

namespace twinpatch {

/// The match rules in words: "mutual best, ratio 0.75". Different rules have different texts.
[[nodiscard]] std::string rules_text(const PairRules& rules);

}  // namespace twinpatch
