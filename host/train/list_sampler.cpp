// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "list_sampler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "patch_changes.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch::train {
namespace {

constexpr std::int64_t kFitted = 20'000;  // lists
constexpr std::uint64_t kFitStream = 4;

}  // namespace

void check_alike(const ListSets& sets) {
  const CandidateLists& first = *sets.front();
  for (const auto& set : sets) {
    if (set->first() != first.first() || set->nearest() != first.nearest())
      throw InvalidArgument(
          fmt::format("{} has the {} nearest of {}, {} the {} nearest of {}: train on lists of one kind", first.name(),
                      first.nearest(), first.first(), set->name(), set->nearest(), set->first()));
    const PatchView a = first.patches();
    const PatchView b = set->patches();
    if (a.height != b.height || a.width != b.width)
      throw ShapeError(fmt::format("{} has patches of {}×{}, {} of {}×{}: all datasets must have one size",
                                   first.name(), a.width, a.height, set->name(), b.width, b.height));
  }
}

LabelledList shortened(const LabelledList& list, int most) {
  LabelledList kept;
  int room = most - (list.right >= 0 ? 1 : 0);
  for (std::size_t i = 0; i < list.candidates.size(); ++i) {
    const bool right = static_cast<std::int64_t>(i) == list.right;
    if (right) {
      kept.right = std::ssize(kept.candidates);
    } else if (list.truths[i] != CandidateTruth::wrong || room-- <= 0) {
      continue;
    }
    kept.candidates.push_back(list.candidates[i]);
    kept.truths.push_back(list.truths[i]);
  }
  return kept;
}

ListSampler::ListSampler(ListSets sets, const TrainOptions& options)
    : sets_(std::move(sets)), options_(options), by_kind_(sets_.size()) {
  for (std::size_t s = 0; s < sets_.size(); ++s) {
    for (std::int64_t i = 0; i < sets_[s]->size(); ++i) {
      const auto list = sets_[s]->list(i);
      const bool left_to_right =
          sets_[s]->image_of(list.keypoint) < sets_[s]->image_of(sets_[s]->candidate(list.begin).patch);
      if (!options_.augmentation.swap && !left_to_right) continue;
      const auto kind = kind_of(label_list(*sets_[s], i));
      if (kind) by_kind_[s][static_cast<std::size_t>(*kind)].push_back(i);
    }
  }
  double sum = 0;
  const auto there = counts();
  for (std::size_t k = 0; k < cumulative_.size(); ++k) {
    if (there[k] > 0) sum += options_.kinds[k];
    cumulative_[k] = sum;
  }
  if (!(sum > 0))
    throw InvalidArgument(
        fmt::format("{}: no list of a kind that is drawn: {} right, {} near, {} gross, {} wrong, {} none",
                    sets_.front()->folder().string(), there[0], there[1], there[2], there[3], there[4]));
}

std::array<std::int64_t, kListKinds> ListSampler::counts() const {
  std::array<std::int64_t, kListKinds> counts{};
  for (const ByKind& lists : by_kind_)
    for (std::size_t k = 0; k < counts.size(); ++k) counts[k] += std::ssize(lists[k]);
  return counts;
}

/// A kind by the shares, a dataset by the root of its number of lists of that kind, one of these lists.
std::vector<ListSampler::Drawn> ListSampler::draw(std::int64_t step) const {
  Random random(options_.seed, kDraw, static_cast<std::uint64_t>(step));
  std::vector<Drawn> drawn;
  std::vector<double> cumulative(sets_.size());
  while (static_cast<int>(drawn.size()) < options_.batch) {
    const double at = random.uniform() * cumulative_.back();
    const auto kind = static_cast<std::size_t>(std::upper_bound(cumulative_.begin(), cumulative_.end() - 1, at) -
                                               cumulative_.begin());
    double sum = 0;
    for (std::size_t s = 0; s < sets_.size(); ++s)
      cumulative[s] = sum += std::sqrt(static_cast<double>(by_kind_[s][kind].size()));
    const auto set = static_cast<std::size_t>(
        std::upper_bound(cumulative.begin(), cumulative.end() - 1, random.uniform() * sum) - cumulative.begin());
    const auto& lists = by_kind_[set][kind];
    drawn.push_back({set, lists[static_cast<std::size_t>(random.below(std::ssize(lists)))]});
  }
  return drawn;
}

ListBatch ListSampler::batch(std::int64_t step) const {
  ListBatch batch;
  batch.step = step;
  Random random(options_.seed, kChange, static_cast<std::uint64_t>(step));
  batch.swapped = options_.augmentation.swap && random.coin();
  const auto drawn = draw(step);
  batch.lists = static_cast<int>(drawn.size());
  const PatchView size = sets_.front()->patches();
  batch.height = size.height;
  batch.width = size.width;
  const auto bytes = static_cast<std::size_t>(size.patch_bytes());
  batch.pixels.resize(drawn.size() * bytes);
  std::vector<std::uint8_t> candidates;
  const auto& augmentation = options_.augmentation;
  for (std::size_t l = 0; l < drawn.size(); ++l) {
    const CandidateLists& set = *sets_[drawn[l].set];
    const LabelledList list = shortened(label_list(set, drawn[l].list), options_.list_candidates);
    const SquareSymmetry symmetry = draw_symmetry(augmentation, random);
    const double share = window_share(options_.windows, set.patch_extent(), random);
    const auto change = [&](std::int32_t patch, std::uint8_t* to) {
      change_patch(set.patch(patch), to, size.height, size.width,
                   draw_change(augmentation, symmetry, share, size.width, random));
    };
    change(set.list(drawn[l].list).keypoint, batch.pixels.data() + l * bytes);
    const std::int64_t before = std::ssize(batch.owner);
    batch.right.push_back(list.right < 0 ? -1 : before + list.right);
    for (const Candidate& candidate : list.candidates) {
      candidates.resize(candidates.size() + bytes);
      change(candidate.patch, candidates.data() + candidates.size() - bytes);
      batch.owner.push_back(static_cast<std::int64_t>(l));
      batch.similarity.push_back(candidate.similarity);
    }
  }
  batch.pixels.insert(batch.pixels.end(), candidates.begin(), candidates.end());
  return batch;
}

TwoStageRule fit_first_stage(const ListSets& sets, const TrainOptions& options) {
  std::int64_t all = 0;
  for (const auto& set : sets) all += set->size();
  Random random(options.seed, kFitStream);
  std::vector<std::vector<LabelledCandidate>> fitted(1);
  std::int32_t number = 0;
  for (const auto& set : sets) {
    for (std::int64_t i = 0; i < set->size(); ++i) {
      if (all > kFitted && random.below(all) >= kFitted) continue;
      const LabelledList list = label_list(*set, i);
      if (!kind_of(list)) continue;
      for (std::size_t c = 0; c < list.candidates.size(); ++c)
        fitted.front().push_back({number, list.candidates[c].similarity, 0, list.truths[c]});
      ++number;
    }
  }
  TwoStageRule rule{sets.front()->first(), sets.front()->nearest()};
  rule = fit_two_stage(fitted, rule);
  rule.network_weight = 1;
  return rule;
}

}  // namespace twinpatch::train
