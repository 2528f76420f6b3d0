// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/twinpatch/pair_choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "twinpatch/sfm/image_pair_list.hpp"

namespace twinpatch::app {
namespace {

using Kind = PairRule::Kind;

struct NumberedRule {
  Kind kind;
  std::string_view prefix;
  bool whole;  ///< a number of images or rounds; else a distance
};
constexpr NumberedRule kNumbered[] = {{Kind::sequential, "sequential:", true},
                                      {Kind::retrieval, "retrieval:", true},
                                      {Kind::spatial, "spatial:", false},
                                      {Kind::overlap, "overlap:", false},
                                      {Kind::transitive, "transitive:", true}};

double number_behind(const std::string& text, const NumberedRule& rule) {
  const char* const begin = text.data() + rule.prefix.size();
  const char* const end = text.data() + text.size();
  double value = 0;
  int whole = 0;
  if (rule.kind == Kind::overlap) {
    if (std::from_chars(begin, end, value).ptr == end && value > 0 && value <= 1) return value;
    throw UsageError(fmt::format("--pairs {}: expected overlap:S with a share S above 0 and up to 1", text));
  }
  const auto [rest, error] = rule.whole ? std::from_chars(begin, end, whole) : std::from_chars(begin, end, value);
  if (rule.whole) value = whole;
  if (error == std::errc() && rest == end && std::isfinite(value) && value > 0) return value;
  if (rule.whole) throw UsageError(fmt::format("--pairs {}: expected {}N with N of 1 or more", text, rule.prefix));
  throw UsageError(fmt::format("--pairs {}: expected {}R with a distance R above 0", text, rule.prefix));
}

PairRule parse_rule(const std::string& text) {
  if (text == "exhaustive") return {Kind::exhaustive, 0, text};
  for (const NumberedRule& rule : kNumbered) {
    if (text.starts_with(rule.prefix)) return {rule.kind, number_behind(text, rule), text};
  }
  if (std::filesystem::exists(text)) return {Kind::list, 0, text};
  throw UsageError(
      fmt::format("--pairs {}: expected exhaustive, sequential:N, retrieval:N, spatial:R, overlap:S, transitive:N, an "
                  "existing file, or several of them joined by +",
                  text));
}

}  // namespace

PairChoice PairChoice::parse(const std::string& text) {
  PairChoice choice{{}, text};
  if (std::filesystem::exists(text)) {  // its name may have a +
    choice.rules.push_back({Kind::list, 0, text});
    return choice;
  }
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('+', begin), text.size());
    choice.rules.push_back(parse_rule(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  if (std::ranges::count(choice.rules, Kind::list, &PairRule::kind) > 1) {
    throw UsageError(fmt::format("--pairs {}: only one file", text));
  }
  return choice;
}

bool PairChoice::has(PairRule::Kind kind) const {
  return std::ranges::find(rules, kind, &PairRule::kind) != rules.end();
}

std::filesystem::path PairChoice::list_path() const {
  const auto list = std::ranges::find(rules, Kind::list, &PairRule::kind);
  return list == rules.end() ? std::string() : list->text;
}

PairCandidates read_candidates(Session& session, const PairChoice& choice, std::vector<std::string> names) {
  PairCandidates candidates{.choice = choice, .names = std::move(names), .listed = {}, .unknown = {}};
  if (!choice.has(Kind::list)) return candidates;
  const std::string path = choice.list_path().string();
  ImagePairList list = read_image_pairs(path, candidates.names);
  for (const std::string& warning : list.warnings()) session.warn("{}", warning);
  if (list.pairs.empty() && list.complete()) {
    throw InvalidArgument(path + ": no pair of images in this list: there is nothing to match");
  }
  if (list.repeated > 0) session.detail("{}: {} lines are duplicate pairs", path, list.repeated);
  candidates.listed = std::move(list.pairs);
  for (const UnknownImage& image : list.unknown) candidates.unknown.push_back(image.name);
  return candidates;
}

void keep_listed_images(PairCandidates& candidates) {
  if (candidates.choice.rules.size() > 1 || !candidates.choice.has(Kind::list)) return;
  std::vector<std::int32_t> place(candidates.names.size(), -1);
  for (const auto& pair : candidates.listed) {
    place[static_cast<std::size_t>(pair.first)] = 0;
    place[static_cast<std::size_t>(pair.second)] = 0;
  }
  std::vector<std::string> named;
  for (std::size_t i = 0; i < candidates.names.size(); ++i) {
    if (place[i] < 0) continue;
    place[i] = static_cast<std::int32_t>(named.size());
    named.push_back(candidates.names[i]);
  }
  for (auto& pair : candidates.listed) {
    pair = {place[static_cast<std::size_t>(pair.first)], place[static_cast<std::size_t>(pair.second)]};
  }
  candidates.names = std::move(named);
}

void refuse_database_rules(const PairChoice& choice) {
  for (const PairRule& rule : choice.rules) {
    if (rule.kind != Kind::spatial && rule.kind != Kind::overlap && rule.kind != Kind::transitive) continue;
    throw UsageError(
        fmt::format("--pairs {}: only twinpatch colmap has this rule, which knows the positions, the poses "
                    "and the verified pairs",
                    rule.text));
  }
}

}  // namespace twinpatch::app
