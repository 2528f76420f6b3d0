// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/twinpatch/match_photographs.hpp"

#include "twinpatch/core/units.hpp"
#include "twinpatch/engine/two_stage_match.hpp"

namespace twinpatch::app {
namespace {

/// Both photographs on the first network's device.
struct TwoRows {
  RowChunks left, right;
};

TwoRows rows_of_both(Engine& engine, const TwoPhotographs& photographs, const RunControl& control) {
  return {rows_of(engine, photographs.left, Side::left, control),
          rows_of(engine, photographs.right, Side::right, control)};
}

std::vector<Match> match_all(const PhotographMatcher& matcher, const TwoPhotographs& photographs,
                             const RunControl& control) {
  const auto& [left, right] = photographs;
  if (matcher.second != nullptr) {
    const GridOptions options{.column_best = matcher.rules.mutual, .threshold = matcher.rules.threshold};
    const auto both = two_stages(matcher.first, *matcher.second);
    return matches(both->best(left.patches.view(), right.patches.view(), options, control), matcher.rules);
  }
  if (left.cuts.windows.empty() && right.cuts.windows.empty()) {
    return matcher.first->match(left.patches, right.patches, matcher.rules, control);
  }
  const TwoRows rows = rows_of_both(*matcher.first, photographs, control);
  return matcher.first->match(rows.left, rows.right, matcher.rules, control);
}

std::vector<Match> match_within(const PhotographMatcher& matcher, const TwoPhotographs& photographs,
                                const PairGuidance& guidance, const RunControl& control) {
  const TwoRows rows = rows_of_both(*matcher.first, photographs, control);
  const MatchRules rules = guidance.applied_to(matcher.rules);
  if (matcher.second == nullptr) return matcher.first->match(rows.left, rows.right, guidance.mask, rules, control);
  return match_in_two_stages({*matcher.first, *matcher.second->engine, matcher.second->rule, rules},
                             {rows.left, photographs.left.patches.view()},
                             {rows.right, photographs.right.patches.view()}, guidance.mask, control);
}

/// The two as a collection, by their paths.
GuideInput guide_input(const TwoPhotographs& photographs) {
  const auto& [left, right] = photographs;
  const std::string right_name = right.path == left.path ? right.path + " (B)" : right.path;
  const auto named = [&left = left, &right = right, right_name](const std::string& name) -> const Photograph& {
    return name == right_name ? right : left;
  };
  return {.names = {left.path, right_name},
          .source = {[named](const std::string& name) { return named(name).keypoints; }, {}},
          .paths = true,
          .size = [named](const std::string& name) { return std::pair(named(name).width, named(name).height); }};
}

}  // namespace

std::vector<Match> match_photographs(Session& session, const PhotographMatcher& matcher,
                                     const TwoPhotographs& photographs, const GuideChoice& choice) {
  const GuideInput input = guide_input(photographs);
  const auto guide = make_guide(session, choice, input);
  if (guide == nullptr) return match_all(matcher, photographs, session.control());
  const std::string& left = input.names.front();
  const std::string& right = input.names.back();
  const bool known = !guide->needs_matches(left, right);
  std::vector<Match> first;
  if (!known) first = match_all(matcher, photographs, session.control());
  const GuidedPartner partner{{right}, first};
  const auto guidance = std::move(guide->guide({left}, std::span(&partner, 1)).front());
  if (!guidance) {
    session.warn("no geometry agrees with enough of the {} matches: there is no second pass", first.size());
    return first;
  }
  std::vector<Match> second = match_within(matcher, photographs, *guidance, session.control());
  session.info("{}: {} comparisons within {} px, {} matches{}", known ? "by known poses" : "second pass",
               format_count(static_cast<double>(guidance->mask.pairs())), choice.band, second.size(),
               known ? "" : " instead of " + std::to_string(first.size()));
  return second;
}

}  // namespace twinpatch::app
