// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plan/branch_plan.hpp"

namespace twinpatch::cpu {

/// A 2-channel network, branch and decision layers: inputs of the streams → one score an item.
class PairPlan {
 public:
  PairPlan(const Model& model, Extent patch, std::size_t first_layer, const PlanOptions& options);
  /// scores[0 … batch)
  void run(int worker, std::int64_t batch, const BranchPlan::Fill& fill, float* scores);
  [[nodiscard]] std::int64_t batch() const noexcept { return branch_.batch(); }
  [[nodiscard]] Shape input(std::size_t stream) const { return branch_.input(stream); }
  [[nodiscard]] bool planar(std::size_t stream) const { return branch_.planar(stream); }
  [[nodiscard]] std::vector<std::string> describe() const;

 private:
  struct Worker {
    Buffer<float> vectors;  // [batch, branch size]
    Workspace workspace;
  };
  BranchPlan branch_;
  std::vector<LayerPlan> decision_;  // one
  std::vector<Worker> workers_;
};

}  // namespace twinpatch::cpu
