// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/evaluate/two_stage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "select_scored.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/formats/json.hpp"

namespace twinpatch {
namespace {

constexpr const char* kKey = "two_stage";
constexpr int kMostCandidates = 10'000;
constexpr double kRightPixels = 3, kIgnoredPixels = 5;

class TwoStageComparer final : public Comparer {
 public:
  TwoStageComparer(std::shared_ptr<Comparer> first, std::shared_ptr<Comparer> second, const TwoStageRule& rule)
      : first_(std::move(first)),
        second_(std::move(second)),
        rule_(rule),
        name_(fmt::format("{} + {}", first_->name(), second_->name())) {
    if (rule.candidates < 1)
      throw InvalidArgument(fmt::format("{} candidates to score: at least one is needed", rule.candidates));
    if (first_->side() != second_->side())
      throw ShapeError(fmt::format("{} takes patches of {} pixels, {} of {}: both must take the same size",
                                   first_->name(), first_->side(), second_->name(), second_->side()));
  }
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] int side() const override { return first_->side(); }
  [[nodiscard]] std::vector<float> score(PatchView left, PatchView right, std::span<const IndexPair> pairs,
                                         const RunControl& control) override {
    return combined(first_->score(left, right, pairs, control), second_->score(left, right, pairs, control));
  }
  [[nodiscard]] Selected best(PatchView left, PatchView right, const GridOptions& options,
                              const RunControl& control) override {
    const Candidates candidates = find_candidates(*first_, left, right, rule_.candidates, control);
    const auto scores = combined(candidates.similarities, second_->score(left, right, candidates.pairs, control));
    return select_scored({candidates.pairs, scores, left.count, right.count}, options);
  }

 private:
  [[nodiscard]] std::vector<float> combined(std::vector<float> similarities, const std::vector<float>& scores) const {
    for (std::size_t i = 0; i < scores.size(); ++i)
      similarities[i] =
          static_cast<float>(rule_.similarity_weight * similarities[i] + rule_.network_weight * scores[i] - rule_.none);
    return similarities;
  }

  std::shared_ptr<Comparer> first_, second_;
  TwoStageRule rule_;
  std::string name_;
};

}  // namespace

void check_decides(const Model& model) {
  const bool measures = std::holds_alternative<DecisionMetric>(model.spec.decision);
  if (!measures && !model.descriptor_only) return;
  throw InvalidArgument(
      fmt::format("--rerank: {} has no decision part, only descriptors{}; take one such as 2ch or siam",
                  model.spec.name, measures ? " and their distance" : ""));
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

Candidates find_candidates(Comparer& first, PatchView left, PatchView right, int nearest, const RunControl& control) {
  GridOptions options;
  options.top_k = nearest;
  Candidates candidates;
  struct Found {
    IndexPair pair;
    float similarity;
  };
  std::vector<Found> all;
  const auto add = [&](const Selected& selected, bool swapped) {
    for (std::int64_t i = 0; i < selected.rows * nearest; ++i) {
      if (selected.indices[i] < 0) continue;
      IndexPair pair{static_cast<std::int32_t>(i / nearest), selected.indices[i]};
      if (swapped) std::swap(pair.left, pair.right);
      all.push_back({pair, selected.scores[i]});
    }
  };
  add(first.best(left, right, options, control), false);
  add(first.best(right, left, options, control), true);
  // Found from the left first: its similarity is kept where both directions have a pair.
  std::stable_sort(all.begin(), all.end(), [](const Found& a, const Found& b) {
    return std::pair(a.pair.left, a.pair.right) < std::pair(b.pair.left, b.pair.right);
  });
  for (const Found& found : all) {
    if (!candidates.pairs.empty() && candidates.pairs.back() == found.pair) continue;
    candidates.pairs.push_back(found.pair);
    candidates.similarities.push_back(found.similarity);
  }
  return candidates;
}

std::unique_ptr<Comparer> two_stage_comparer(std::shared_ptr<Comparer> first, std::shared_ptr<Comparer> second,
                                             const TwoStageRule& rule) {
  return std::make_unique<TwoStageComparer>(std::move(first), std::move(second), rule);
}

std::vector<LabelledCandidate> label_candidates(const Candidates& candidates, std::span<const float> scores,
                                                std::span<const double> transfer_errors) {
  const auto& pairs = candidates.pairs;
  std::vector<LabelledCandidate> labelled;
  for (std::size_t begin = 0, end = 0; begin < pairs.size(); begin = end) {
    while (end < pairs.size() && pairs[end].left == pairs[begin].left) ++end;
    const auto errors = transfer_errors.subspan(begin, end - begin);
    const auto nearest =
        begin + static_cast<std::size_t>(std::min_element(errors.begin(), errors.end()) - errors.begin());
    const double least = transfer_errors[nearest];
    const bool unclear = least > kRightPixels && least <= kIgnoredPixels;
    for (std::size_t i = begin; i < end; ++i) {
      auto truth = transfer_errors[i] <= kIgnoredPixels ? CandidateTruth::ignored : CandidateTruth::wrong;
      if (i == nearest && least <= kRightPixels) truth = CandidateTruth::right;
      if (unclear) truth = CandidateTruth::ignored;
      labelled.push_back({pairs[i].left, candidates.similarities[i], scores[i], truth});
    }
  }
  return labelled;
}

}  // namespace twinpatch
