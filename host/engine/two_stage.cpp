// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/engine/two_stage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "twinpatch/core/error.hpp"
#include "twinpatch/formats/json.hpp"

namespace twinpatch {
namespace {

constexpr const char* kKey = "two_stage";
constexpr int kMostCandidates = 10'000;

/// A pair, and what the grid that it came from says of it.
struct Found {
  IndexPair pair;
  float similarity = 0;
};

void add(const SelectedView& selected, bool swapped, std::vector<Found>& all) {
  for (std::int64_t i = 0; i < selected.rows * selected.top_k; ++i) {
    const std::int32_t index = selected.indices[static_cast<std::size_t>(i)];
    if (index < 0) continue;
    IndexPair pair{static_cast<std::int32_t>(i / selected.top_k), index};
    if (swapped) std::swap(pair.left, pair.right);
    all.push_back({pair, selected.scores[static_cast<std::size_t>(i)]});
  }
}

std::int32_t nearest(const SelectedView& selected, std::int32_t row) {
  return selected.indices[static_cast<std::size_t>(std::int64_t{row} * selected.top_k)];
}

}  // namespace

void check_decides(const Model& model) {
  const bool measures = std::holds_alternative<DecisionMetric>(model.spec.decision);
  if (!measures && !model.descriptor_only) return;
  throw InvalidArgument(
      fmt::format("--rerank: {} has no decision part, only descriptors{}; take one such as 2ch or siam",
                  model.spec.name, measures ? " and their distance" : ""));
}

void check_finds(const NetworkSpec& first) {
  if (has_descriptors(first)) return;
  throw InvalidArgument(
      fmt::format("--rerank: {} compares pairs and finds no candidates; take a network with descriptors, such as "
                  "hard128, as -m",
                  first.name));
}

TwoStageRule two_stage_rule(const Model& model, const std::string& first) {
  check_decides(model);
  const auto found = model.metadata.find(kKey);
  if (found == model.metadata.end())
    throw InvalidArgument(fmt::format(
        "--rerank: {} has no weights for two stages in its metadata; twinpatch eval SEQUENCES -m {} --rerank {} "
        "--fit FILE makes a model that has",
        model.spec.name, first, model.spec.name));
  TwoStageRule rule;
  try {
    const JsonValue json = parse_json(found->second, kKey, 1);
    rule.first = json.at("first").text();
    rule.candidates = static_cast<int>(json.at("candidates").integer(1, kMostCandidates));
    rule.similarity_weight = json.at("similarity_weight").number();
    rule.network_weight = json.at("network_weight").number();
    rule.none = json.at("none").number();
  } catch (const FormatError& error) {
    throw InvalidArgument(fmt::format("--rerank: {}", error.what()));
  }
  if (rule.first != first)
    throw InvalidArgument(fmt::format("--rerank: the weights of {} for two stages are for candidates of {}, not of {}",
                                      model.spec.name, rule.first, first));
  return rule;
}

void store_two_stage_rule(Model& model, const TwoStageRule& rule) {
  check_decides(model);
  model.metadata[kKey] = nlohmann::ordered_json{
      {"first", rule.first},
      {"candidates", rule.candidates},
      {"similarity_weight", rule.similarity_weight},
      {"network_weight", rule.network_weight},
      {"none", rule.none}}.dump();
}

Candidates unite_candidates(const SelectedView& to_right, const SelectedView& to_left) {
  std::vector<Found> all;
  add(to_right, false, all);
  add(to_left, true, all);
  // Found from the left first: its similarity is kept where both directions have a pair.
  std::stable_sort(all.begin(), all.end(), [](const Found& a, const Found& b) {
    return std::pair(a.pair.left, a.pair.right) < std::pair(b.pair.left, b.pair.right);
  });
  Candidates candidates;
  for (const auto& [pair, similarity] : all) {
    if (!candidates.pairs.empty() && candidates.pairs.back() == pair) continue;
    candidates.pairs.push_back(pair);
    candidates.similarities.push_back(similarity);
    const bool mutual = nearest(to_right, pair.left) == pair.right && nearest(to_left, pair.right) == pair.left;
    candidates.mutual.push_back(mutual ? 1 : 0);
  }
  return candidates;
}

std::vector<float> two_stage_scores(const TwoStageRule& rule, std::span<const float> similarities,
                                    std::span<const float> network) {
  std::vector<float> scores(network.size());
  for (std::size_t i = 0; i < scores.size(); ++i)
    scores[i] =
        static_cast<float>(rule.similarity_weight * similarities[i] + rule.network_weight * network[i] - rule.none);
  return scores;
}

}  // namespace twinpatch
