// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>

#include "list/pair_buffers.hpp"
#include "plan/deep_head.hpp"
#include "plan/layer_plan.hpp"
#include "plan/pair_network.hpp"
#include "siamese.hpp"

namespace twinpatch::cuda {

/// What the list and the grid of one scorer share on their device. Within a turn.
struct ScorerParts {
  /// Throws InvalidArgument where the model has no weights for its decision.
  ScorerParts(std::shared_ptr<Device> on, std::shared_ptr<const Model> model);
  ScorerParts(const ScorerParts&) = delete;             // its parts know each other
  ScorerParts& operator=(const ScorerParts&) = delete;  // likewise

  [[nodiscard]] const NetworkSpec& spec() const { return weights.model().spec; }
  /// Additions and multiplications for one pair of rows.
  [[nodiscard]] double operations() const;
  /// Gives back the memory that a call can do without: before it is tried in smaller pieces.
  void release();

  std::shared_ptr<Device> device;
  DeviceWeights weights;
  // Siamese networks.
  kernels::PairOperation operation = kernels::PairOperation::head;
  std::int64_t length = 0;         ///< of a row
  std::optional<DeviceHead> head;  ///< none: a metric
  std::unique_ptr<DeepHead> deep;  ///< heads that have no kernel of their own
  // 2-channel networks.
  std::unique_ptr<PairNetwork> pairs;
};

/// Scores of pairs of rows of a siamese network; enqueued.
void score_row_pairs(ScorerParts& parts, const SiameseRows& left, const SiameseRows& right, DevicePairs pairs);

}  // namespace twinpatch::cuda
