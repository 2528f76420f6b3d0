// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "branch/two_channel_rows.hpp"
#include "plan/context.hpp"
#include "plan/halves_plan.hpp"
#include "plan/pair_plan.hpp"
#include "twinpatch/patches/pair_list.hpp"

namespace twinpatch::cpu {

/// Pairs of patches of a 2-channel network.
struct PatchPairs {
  const TwoChannelRows* left = nullptr;
  const TwoChannelRows* right = nullptr;
  std::span<const IndexPair> pairs;
};

/// A 2-channel network from cached halves of its first convolutions on: conv([p; q]) = convₚ(p) + conv_q(q), the bias
/// with the left half.
struct JoinedPlan {
  JoinedPlan(const Model& model, Extent patch, const JoinRule& join, const PlanOptions& options);

  Extent extent;
  JoinRule rule;
  HalvesPlan left, right;
  PairPlan rest;
};

/// The plans of a 2-channel network, made on first use and kept for the patch size that came last.
class TwoChannelPlans {
 public:
  TwoChannelPlans(std::shared_ptr<CpuContext> context, std::shared_ptr<const Model> model);
  [[nodiscard]] const NetworkSpec& spec() const { return model_->spec; }
  /// Whole pairs through the network.
  PairPlan& whole(Extent patch);
  JoinedPlan& joined(Extent patch, const JoinRule& rule);
  /// scores[n] of at most whole(patch).batch() pairs, on the calling worker's thread.
  void score_whole(PairPlan& plan, int worker, const PatchPairs& batch, float* scores) const;

 private:
  std::shared_ptr<CpuContext> context_;
  std::shared_ptr<const Model> model_;
  std::optional<PairPlan> whole_;
  Extent whole_extent_;
  std::optional<JoinedPlan> joined_;
};

}  // namespace twinpatch::cpu
