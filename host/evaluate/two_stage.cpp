// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/evaluate/two_stage.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "twinpatch/core/error.hpp"
#include "twinpatch/engine/select_scored.hpp"

namespace twinpatch {
namespace {

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
    return two_stage_scores(rule_, first_->score(left, right, pairs, control),
                            second_->score(left, right, pairs, control));
  }
  [[nodiscard]] Selected best(PatchView left, PatchView right, const GridOptions& options,
                              const RunControl& control) override {
    const Candidates candidates = find_candidates(*first_, left, right, rule_.candidates, control);
    const auto scores =
        two_stage_scores(rule_, candidates.similarities, second_->score(left, right, candidates.pairs, control));
    return select_scored({candidates.pairs, scores, left.count, right.count}, options);
  }

 private:
  std::shared_ptr<Comparer> first_, second_;
  TwoStageRule rule_;
  std::string name_;
};

}  // namespace

Candidates find_candidates(Comparer& first, PatchView left, PatchView right, int nearest, const RunControl& control) {
  GridOptions options;
  options.top_k = nearest;
  const Selected to_right = first.best(left, right, options, control);
  const Selected to_left = first.best(right, left, options, control);
  return unite_candidates(to_right.segment(0), to_left.segment(0));
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
