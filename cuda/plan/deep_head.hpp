// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "plan/branch_plan.hpp"
#include "plan/device_pairs.hpp"
#include "siamese.hpp"

namespace twinpatch::cuda {

/// A decision of any depth for listed pairs: the first layer's sum and activation a pair, then matrix products over
/// batches of pairs.
class DeepHead {
 public:
  DeepHead(DeviceWeights& weights, const DeviceHead& head);
  ~DeepHead();
  DeepHead(const DeepHead&) = delete;             // holds its owner's weights
  DeepHead& operator=(const DeepHead&) = delete;  // likewise
  /// Enqueued; the pairs are row numbers of the two matrices [·, hidden].
  void score(kernels::RowMatrix left, kernels::RowMatrix right, DevicePairs pairs);
  /// Of one pair.
  [[nodiscard]] double operations() const;

 private:
  class Plan;
  DeviceWeights& weights_;
  DeviceHead head_;
  BatchPlans<Plan> plans_;
};

}  // namespace twinpatch::cuda
