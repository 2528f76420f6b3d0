// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "grid/two_channel_plans.hpp"
#include "list/pair_lists.hpp"
#include "plan/dnnl_steps.hpp"

namespace twinpatch::cpu {
namespace {

/// Pairs a left patch must have in a list for its half of the first convolution to be worth keeping: two halves and
/// their sum cost a little more than the convolution of a pair, and by Winograd's method a good deal more.
std::int64_t pairs_per_left(Precision precision) { return precision == Precision::fp32 ? 2 : 8; }

/// Positions of the pairs in order of their left patches (then as given), so that what was computed for one is at
/// hand for the next.
std::vector<std::int64_t> by_left(std::span<const IndexPair> pairs) {
  std::vector<std::int64_t> order(pairs.size());
  std::iota(order.begin(), order.end(), std::int64_t{0});
  const auto left = [&](std::int64_t i) { return pairs[static_cast<std::size_t>(i)].left; };
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t i, std::int64_t j) { return left(i) < left(j); });
  return order;
}

/// Whether each left patch of a batch, in order, comes often enough that its half of the first convolution should be
/// kept.
bool halves_pay(std::span<const IndexPair> batch, Precision precision) {
  std::int64_t different = 1;
  for (std::size_t i = 1; i < batch.size(); ++i) different += batch[i].left != batch[i - 1].left ? 1 : 0;
  return pairs_per_left(precision) * different <= std::ssize(batch);
}

class TwoChannelList final : public ListStrategy {
 public:
  TwoChannelList(std::shared_ptr<CpuContext> context, std::shared_ptr<const Model> model)
      : context_(context), plans_(std::move(context), std::move(model)) {}

  void score(const PairsOfRows& list, std::span<float> scores, const RunControl& control) override {
    const TwoChannelRows& left = two_channel_rows(*list.left, Side::left, plans_.spec().name);
    const TwoChannelRows& right = two_channel_rows(*list.right, Side::right, plans_.spec().name);
    if (list.pairs.empty()) return;
    const Extent patch = check_pair(plans_.spec(), left.extent(), right.extent());
    const std::vector<std::int64_t> order = by_left(list.pairs);
    std::vector<IndexPair> pairs;
    pairs.reserve(order.size());
    for (const std::int64_t i : order) pairs.push_back(list.pairs[static_cast<std::size_t>(i)]);
    PairPlan& plan = plans_.whole(patch);
    JoinedPlan* const joined = joined_plan(patch, pairs, plan.batch());
    context_->pool.for_ranges(std::ssize(pairs), plan.batch(), [&](std::int64_t begin, std::int64_t end, int worker) {
      control.check();
      const SingleThreaded alone;
      const auto first = static_cast<std::size_t>(begin);
      const PatchPairs batch{&left, &right, std::span(pairs).subspan(first, static_cast<std::size_t>(end - begin))};
      std::vector<float> batch_scores(batch.pairs.size());
      if (joined != nullptr && halves_pay(batch.pairs, precision())) {
        score_joined(*joined, worker, batch, batch_scores.data());
      } else {
        plans_.score_whole(plan, worker, batch, batch_scores.data());
      }
      for (std::size_t i = 0; i < batch_scores.size(); ++i) {
        scores[static_cast<std::size_t>(order[first + i])] = batch_scores[i];
      }
      control.advance(end - begin);
    });
  }

 private:
  [[nodiscard]] Precision precision() const { return context_->options.precision; }

  /// Nothing where no batch is worth it, or the network has no halves.
  JoinedPlan* joined_plan(Extent patch, std::span<const IndexPair> pairs, std::int64_t batch) {
    const auto rule = join_rule(plans_.spec(), patch);
    if (!rule) return nullptr;
    const auto size = static_cast<std::size_t>(batch);
    for (std::size_t begin = 0; begin < pairs.size(); begin += size) {
      if (!halves_pay(pairs.subspan(begin, std::min(size, pairs.size() - begin)), precision())) continue;
      JoinedPlan& plan = plans_.joined(patch, *rule);
      const std::int64_t floats = 2 * plan.left.size() * context_->pool.threads();
      if (halves_.size() < floats) halves_ = Buffer<float>(floats);
      return &plan;
    }
    return nullptr;
  }

  /// From halves of the first convolution: the left one made once for pairs that follow each other.
  void score_joined(JoinedPlan& plan, int worker, const PatchPairs& batch, float* scores) {
    float* const left = halves_.data() + worker * 2 * plan.left.size();
    float* const right = left + plan.left.size();
    const auto fill = [&](std::size_t stream, BranchPlan::Items items, float* input) {
      const JoinWork work{{left}, {right}, plan.left.shape(stream), plan.rule};
      const auto first = static_cast<std::size_t>(items.first);
      const auto pairs = batch.pairs.subspan(first, static_cast<std::size_t>(items.count));
      for (std::size_t i = 0; i < pairs.size(); ++i, input += plan.rest.input(stream).size()) {
        const IndexPair pair = pairs[i];
        if (i == 0 || pair.left != pairs[i - 1].left) {
          plan.left.run(worker, stream, batch.left->patch(pair.left), batch.left->map(pair.left), left);
        }
        plan.right.run(worker, stream, batch.right->patch(pair.right), batch.right->map(pair.right), right);
        join_halves(work, 0, work.shape.height, input);
      }
    };
    plan.rest.run(worker, std::ssize(batch.pairs), fill, scores);
  }

  std::shared_ptr<CpuContext> context_;
  TwoChannelPlans plans_;
  Buffer<float> halves_;  // [workers, 2, size]: of the pair at hand
};

}  // namespace

std::unique_ptr<ListStrategy> make_two_channel_list(std::shared_ptr<CpuContext> context,
                                                    std::shared_ptr<const Model> model) {
  return std::make_unique<TwoChannelList>(std::move(context), std::move(model));
}

}  // namespace twinpatch::cpu
