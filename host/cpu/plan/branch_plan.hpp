// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "plan/context.hpp"
#include "plan/layer_plan.hpp"
#include "twinpatch/net/spec.hpp"

namespace twinpatch::cpu {

/// The streams of one branch for one patch size: input of each stream → the branch's vector.
class BranchPlan {
 public:
  /// `first_layer`: layers before it are left out (a 2-channel grid has its first convolution cached). `branch` is the
  /// prefix of its tensors: "branch", "left" or "right".
  BranchPlan(const Model& model, const std::string& branch, Extent patch, std::size_t first_layer,
             const PlanOptions& options);

  /// Items of the batch at hand.
  struct Items {
    std::int64_t first = 0;
    std::int64_t count = 0;
  };
  /// Writes the inputs of these items to stream `stream`, NHWC or planar.
  using Fill = std::function<void(std::size_t stream, Items items, float* input)>;
  /// out[item · stride …]: the vectors of `batch` items, each stream flattened in (channel, row, column) order.
  void run(int worker, std::int64_t batch, const Fill& fill, float* out, std::int64_t stride);

  [[nodiscard]] std::int64_t batch() const noexcept { return batch_; }
  [[nodiscard]] std::int64_t size() const noexcept { return size_; }
  /// Input of a stream's plan.
  [[nodiscard]] Shape input(std::size_t stream) const { return streams_[stream].input(); }
  /// Its inputs are planar, [channels, height, width] an item, not NHWC.
  [[nodiscard]] bool planar(std::size_t stream) const { return streams_[stream].planar_input(); }
  [[nodiscard]] std::vector<std::string> describe() const;

 private:
  struct Worker {
    Buffer<float> input;   // of as many items as pass through the first layers at a time
    Buffer<float> middle;  // between the parts of a stream's layers
    Workspace workspace;
  };
  std::vector<LayerPlan> streams_;
  std::vector<Worker> workers_;
  std::int64_t batch_ = 0;
  std::int64_t items_ = 0;  // that pass through the first layers at a time
  std::int64_t size_ = 0;
};

/// Items per pass: as asked for, or what keeps a worker's activations near its cache and within the memory bound.
[[nodiscard]] PlanOptions plan_options(CpuContext& context, const NetworkSpec& spec, Extent patch);

}  // namespace twinpatch::cpu
