// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "plan/branch_plan.hpp"
#include "plan/device_pairs.hpp"
#include "runtime/nvtx.hpp"
#include "twinpatch/core/run_control.hpp"
#include "two_channel.hpp"

namespace twinpatch::cuda {

/// A 2-channel network's way from pairs to scores, batch by batch, with the plans for it. Within a turn.
class PairNetwork {
 public:
  explicit PairNetwork(DeviceWeights& weights) : device_(weights.device()), weights_(weights) {}

  /// Whole pairs of patches through the network; enqueued. Throws ShapeError unless both sides have one size.
  void score(const TwoChannelRows& left, const TwoChannelRows& right, DevicePairs pairs, const RunControl& control);

  /// The network from layer `first` of each stream on: fill(plan, begin, n) enqueues what makes the inputs of pairs
  /// [begin, begin + n).
  template <class Fill>
  void run(Extent patch, std::size_t first, DevicePairs pairs, const RunControl& control, const Fill& fill) {
    static const RangeName kPairs(Stage::compute, "score_pairs");
    PairPlan& network = plan(patch, first, pairs.count);
    for (std::int64_t begin = 0; begin < pairs.count; begin += network.batch()) {
      control.check();
      device_->profile.next_batch();
      const std::int64_t n = std::min(network.batch(), pairs.count - begin);
      const Range range(kPairs, {.pairs = n, .bytes = network.bytes()});
      device_->computing.begin(device_->stream());
      fill(network, begin, n);
      network.run();
      TWINPATCH_CUDA_CHECK(cudaMemcpyAsync(pairs.scores + begin, network.scores(),
                                           static_cast<std::size_t>(n) * sizeof(float), cudaMemcpyDeviceToDevice,
                                           device_->stream()));
      device_->computing.end(device_->stream());
      moved_ += network.bytes();
    }
    operations_ += network.operations() / static_cast<double>(network.batch()) * static_cast<double>(pairs.count);
  }

  /// Other work on the same pairs.
  void add_work(double operations, std::int64_t bytes) {
    operations_ += operations;
    moved_ += bytes;
  }
  /// Adds what was done since the last call to the device's statistics, as `pairs` pairs.
  void account(std::int64_t pairs);
  /// Lets all plans go.
  void release();

 private:
  PairPlan& plan(Extent patch, std::size_t first, std::int64_t count);

  std::shared_ptr<Device> device_;
  DeviceWeights& weights_;
  BatchPlans<PairPlan> plans_;
  double operations_ = 0;
  std::int64_t moved_ = 0;
};

}  // namespace twinpatch::cuda
