// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "grid/two_channel_plans.hpp"

#include <utility>

namespace twinpatch::cpu {

JoinedPlan::JoinedPlan(const Model& model, Extent patch, const JoinRule& join, const PlanOptions& options)
    : extent(patch),
      rule(join),
      left(model, patch, Side::left, join, options),
      right(model, patch, Side::right, join, options),
      rest(model, patch, join.layers, options) {}

TwoChannelPlans::TwoChannelPlans(std::shared_ptr<CpuContext> context, std::shared_ptr<const Model> model)
    : context_(std::move(context)), model_(std::move(model)) {}

PairPlan& TwoChannelPlans::whole(Extent patch) {
  if (!whole_ || whole_extent_ != patch) {
    whole_.reset();
    whole_.emplace(*model_, patch, 0, plan_options(*context_, model_->spec, patch));
    whole_extent_ = patch;
  }
  return *whole_;
}

JoinedPlan& TwoChannelPlans::joined(Extent patch, const JoinRule& rule) {
  if (!joined_ || joined_->extent != patch) {
    joined_.reset();
    joined_.emplace(*model_, patch, rule, plan_options(*context_, model_->spec, patch));
  }
  return *joined_;
}

void TwoChannelPlans::score_whole(PairPlan& plan, int worker, const PatchPairs& batch, float* scores) const {
  const auto fill = [&](std::size_t stream, BranchPlan::Items items, float* input) {
    const StreamView view = model_->spec.streams[stream].view;
    const std::int64_t size = plan.input(stream).size();
    const int step = plan.planar(stream) ? 1 : 2;
    const auto first = static_cast<std::size_t>(items.first);
    for (const IndexPair& pair : batch.pairs.subspan(first, static_cast<std::size_t>(items.count))) {
      load_patch(batch.left->patch(pair.left), batch.left->map(pair.left), view, input, step);
      load_patch(batch.right->patch(pair.right), batch.right->map(pair.right), view, input + (step == 1 ? size / 2 : 1),
                 step);
      input += size;
    }
  };
  plan.run(worker, std::ssize(batch.pairs), fill, scores);
}

}  // namespace twinpatch::cpu
