// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "branch/two_channel_rows.hpp"
#include "plan/branch_plan.hpp"
#include "twinpatch/net/two_channel.hpp"

// Plans of a 2-channel network: whole pairs, or pairs that start from cached halves of the first convolution
// (conv([p; q]) = convₚ(p) + conv_q(q), the bias with the left half).

namespace twinpatch::cpu {

/// Branch and decision layers: inputs of the streams → one score an item.
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

/// Halves of the first convolutions: one patch → its half of every stream, one after the other, each NHWC.
class HalvesPlan {
 public:
  HalvesPlan(const Model& model, Extent patch, Side side, int workers);
  /// out [shape(stream)]: a stream's half of one row, on the calling worker's thread.
  void run_row(int worker, std::size_t stream, const TwoChannelRows& rows, std::int64_t row, float* out);
  /// out [count, size()]: halves of rows [begin, begin + count), by every worker of the pool.
  void run(CpuContext& context, const TwoChannelRows& rows, std::int64_t begin, std::int64_t count, float* out,
           const RunControl& control);
  [[nodiscard]] std::int64_t size() const noexcept { return size_; }
  /// Where a stream's half begins within a patch's.
  [[nodiscard]] std::int64_t offset(std::size_t stream) const { return streams_[stream].offset; }
  [[nodiscard]] Shape shape(std::size_t stream) const { return streams_[stream].output; }

 private:
  struct Stream {
    StreamView view;
    Shape output;
    std::int64_t offset = 0;
    std::unique_ptr<Step> convolution;
  };
  struct Worker {
    Buffer<float> input;  // of one stream of one patch
    Buffer<std::byte> scratch;
  };
  std::vector<Stream> streams_;
  std::vector<Worker> workers_;
  std::int64_t size_ = 0;
};

/// Rows [first, first + rows) of rule(left + right), `first` even; all three pointers at their maps' beginnings,
/// `shape` is the halves'.
void join_halves(const float* left, const float* right, Shape shape, const JoinRule& rule, int first, int rows,
                 float* out);

}  // namespace twinpatch::cpu
