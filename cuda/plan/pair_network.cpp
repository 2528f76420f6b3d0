// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/pair_network.hpp"

#include <string>
#include <utility>

namespace twinpatch::cuda {

PairPlan& PairNetwork::plan(Extent patch, std::size_t first, std::int64_t count) {
  const std::int64_t limit = batch_limit(*device_, weights_.model().spec, patch);
  return plans_.get(std::to_string(first), patch, limit, count,
                    [&](std::int64_t batch) { return std::make_unique<PairPlan>(weights_, patch, first, batch); });
}

void PairNetwork::score(const TwoChannelRows& left, const TwoChannelRows& right, DevicePairs pairs,
                        const RunControl& control) {
  const NetworkSpec& spec = weights_.model().spec;
  const Extent patch = check_pair(spec, left.extent(), right.extent());
  run(patch, 0, pairs, control, [&](PairPlan& network, std::int64_t begin, std::int64_t n) {
    kernels::PatchSource sources[2] = {left.source(), right.source()};
    for (int side = 0; side < 2; ++side) {
      sources[side].index = pairs.pairs + 2 * begin + side;
      sources[side].index_stride = 2;
    }
    network.branch().load(sources, n);
  });
}

void PairNetwork::account(std::int64_t pairs) {
  device_->statistics.add_pairs(pairs, std::exchange(operations_, 0.0));
  device_->statistics.add(Stage::compute, 0, std::exchange(moved_, 0));
}

void PairNetwork::release() {
  plans_.clear();
  operations_ = 0;
  moved_ = 0;
}

}  // namespace twinpatch::cuda
