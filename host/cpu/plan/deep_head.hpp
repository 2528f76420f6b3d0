// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "plan/packed_linear.hpp"
#include "twinpatch/net/decision_head.hpp"

namespace twinpatch::cpu {

/// What a pair is scored from: each patch's half of the first decision layer, [hidden].
struct PairOfHalves {
  const float* left = nullptr;
  const float* right = nullptr;
};

/// A decision of any depth after the halves of its first layer: their sum and activation a pair, then small matrix
/// products over batches of pairs.
class DeepHead {
 public:
  /// `workers` may score at the same time.
  DeepHead(const DecisionHead& head, int workers);
  /// Scores of at most kStripRows pairs, on the calling worker's thread.
  void score(int worker, std::span<const PairOfHalves> pairs, float* scores);

 private:
  struct Layer {
    PackedLinear linear;
    ActivationKind activation;
  };
  struct Worker {
    std::vector<float> hidden, next;  ///< [kStripRows, widest]
  };
  void add_halves(PairOfHalves pair, float* out) const;

  const GridKernels& kernels_ = grid_kernels();
  std::int64_t hidden_;
  ActivationKind activation_;
  std::vector<Layer> rest_;
  std::vector<Worker> workers_;
};

}  // namespace twinpatch::cpu
