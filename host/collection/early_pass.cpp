// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "early_pass.hpp"

namespace twinpatch {

std::vector<bool> keep_partners(Engine& engine, const EarlyExit& early_exit, const MatchRules& rules,
                                const GuidedGroup& group, const SampledRows& sample) {
  std::vector<GridSide> rights;
  for (const auto& right : group.rights) rights.emplace_back(*right);
  const auto number = [&](std::int32_t row) { return sample.numbers[static_cast<std::size_t>(row)]; };
  std::vector<std::vector<Match>> found;
  try {
    found = engine.match(sample.rows, rights, rules, group.control);
  } catch (const NotFinite& error) {
    if (error.pair().left < 0) throw;
    throw NotFinite::of_score(engine.spec().name, {number(error.pair().left), error.pair().right}, error.score(),
                              error.right_set());
  }
  std::vector<GuidedPartner> partners;
  for (std::size_t n = 0; n < found.size(); ++n) {
    for (Match& match : found[n]) match.left = number(match.left);
    partners.push_back({group.partners[n], found[n]});
  }
  return early_exit.keeps(group.first, partners);
}

}  // namespace twinpatch
