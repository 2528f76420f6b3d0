// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "list_validation.hpp"

#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "list_loss.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/evaluate/metrics.hpp"

namespace twinpatch::train {
namespace {

constexpr std::uint64_t kListSeed = 20150607;  // not the run's: curves of different runs compare
constexpr std::uint64_t kStream = 6;
constexpr int kChunk = 32;  // lists

/// The list as stored: nothing is changed in validation.
void append(const CandidateLists& set, std::int64_t i, const LabelledList& list, ListBatch& batch) {
  const PatchView size = set.patches();
  const std::int64_t bytes = size.patch_bytes();
  batch.height = size.height;
  batch.width = size.width;
  const std::uint8_t* const keypoint = set.patch(set.list(i).keypoint);
  batch.pixels.insert(batch.pixels.begin() + batch.lists * bytes, keypoint, keypoint + bytes);
  batch.right.push_back(list.right < 0 ? -1 : std::ssize(batch.owner) + list.right);
  for (const Candidate& candidate : list.candidates) {
    const std::uint8_t* const patch = set.patch(candidate.patch);
    batch.pixels.insert(batch.pixels.end(), patch, patch + bytes);
    batch.owner.push_back(batch.lists);
    batch.similarity.push_back(candidate.similarity);
  }
  ++batch.lists;
}

/// Which answer is best in each list: a candidate, or −1 where all are below "none".
std::vector<std::int64_t> best_answers(const ListBatch& batch, const std::vector<float>& scores) {
  std::vector<std::int64_t> best(static_cast<std::size_t>(batch.lists), -1);
  for (std::size_t c = 0; c < scores.size(); ++c) {
    std::int64_t& of_list = best[static_cast<std::size_t>(batch.owner[c])];
    const float bound = of_list < 0 ? 0 : scores[static_cast<std::size_t>(of_list)];
    if (scores[c] > bound) of_list = static_cast<std::int64_t>(c);
  }
  return best;
}

}  // namespace

ListValidation::ListValidation(std::shared_ptr<const CandidateLists> set, const TrainOptions& options)
    : name_(set->name()) {
  std::vector<std::int64_t> usable;
  for (std::int64_t i = 0; i < set->size(); ++i)
    if (kind_of(label_list(*set, i))) usable.push_back(i);
  Random random(kListSeed, kStream);
  const auto count = std::min<std::int64_t>(options.validation_pairs, std::ssize(usable));
  bool has_right = false;
  bool has_wrong = false;
  for (std::int64_t i = 0; i < count; ++i) {
    std::swap(usable[static_cast<std::size_t>(i)],
              usable[static_cast<std::size_t>(i + random.below(std::ssize(usable) - i))]);
    const std::int64_t number = usable[static_cast<std::size_t>(i)];
    const LabelledList list = shortened(label_list(*set, number), options.list_candidates);
    if (batches_.empty() || batches_.back().lists == kChunk) batches_.emplace_back();
    append(*set, number, list, batches_.back());
    has_right = has_right || list.right >= 0;
    has_wrong = has_wrong || std::ssize(list.candidates) > (list.right >= 0 ? 1 : 0);
  }
  if (!has_right || !has_wrong)
    throw InvalidArgument(fmt::format("{}: cannot validate on lists without {} candidates", set->folder().string(),
                                      has_right ? "wrong" : "right"));
}

ListValidation::Outcome ListValidation::run(const TorchNetwork& net, const TwoStageRule& rule) const {
  const c10::NoGradGuard no_gradient;
  Outcome outcome;
  outcome.score.scene = name_;
  std::vector<float> sums;
  std::int64_t right = 0, lists = 0;
  for (const ListBatch& batch : batches_) {
    std::vector<float> network(batch.owner.size(), 0);
    if (rule.network_weight != 0) {
      const auto scores = list_scores(net, batch).to(at::kCPU).contiguous();
      network.assign(scores.data_ptr<float>(), scores.data_ptr<float>() + scores.numel());
    }
    const auto scores = two_stage_scores(rule, batch.similarity, network);
    const auto answers = best_answers(batch, scores);
    lists += batch.lists;
    for (std::size_t l = 0; l < answers.size(); ++l) right += answers[l] == batch.right[l] ? 1 : 0;
    for (std::size_t c = 0; c < scores.size(); ++c)
      outcome.labels.push_back(batch.right[static_cast<std::size_t>(batch.owner[c])] == static_cast<std::int64_t>(c));
    outcome.network.insert(outcome.network.end(), network.begin(), network.end());
    sums.insert(sums.end(), scores.begin(), scores.end());
  }
  const bool finite = std::all_of(sums.begin(), sums.end(), [](float s) { return std::isfinite(s); });
  outcome.score.fpr95 = finite ? fpr95(sums, outcome.labels, Fpr95::hardnet) : 1;
  outcome.score.auc = finite ? roc_auc(sums, outcome.labels) : 0;
  outcome.score.matching = static_cast<double>(right) / static_cast<double>(lists);
  return outcome;
}

}  // namespace twinpatch::train
