// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "plan/layer_plan.hpp"
#include "plan/stem_plan.hpp"
#include "runtime/graph.hpp"

namespace twinpatch::cuda {

/// The streams of one branch for one patch size and batch: input of each stream → the branch's vectors. Inputs, vectors
/// and everything between have places of their own, so that a run can be captured.
class BranchPlan {
 public:
  /// `first_layer`: layers before it are left out (a 2-channel grid has its first convolution cached). `branch` is the
  /// prefix of its tensors: "branch", "left" or "right".
  BranchPlan(DeviceWeights& weights, const std::string& branch, Extent patch, std::size_t first_layer,
             std::int64_t batch);

  /// Enqueues what makes the inputs of all streams from `count` patches of the plan's size, channel c from sources[c]:
  /// by the first layers too where those are a stem.
  void load(std::span<const kernels::PatchSource> sources, std::int64_t count);
  /// Enqueues everything from the inputs to the vectors. May be captured.
  void enqueue();
  /// The same, once the way is known replayed as a graph.
  void run();

  [[nodiscard]] std::int64_t batch() const noexcept { return batch_; }
  /// Length of a vector: each stream flattened in (channel, row, column) order.
  [[nodiscard]] std::int64_t size() const noexcept { return size_; }
  [[nodiscard]] void* input(std::size_t stream) { return inputs_[stream].data(); }
  [[nodiscard]] Shape input_shape(std::size_t stream) const { return streams_[stream].input(); }
  /// [batch, size()], floats.
  [[nodiscard]] const float* vectors() const { return vectors_.data(); }
  [[nodiscard]] double operations() const;
  [[nodiscard]] std::int64_t bytes() const;

 private:
  std::shared_ptr<Device> device_;
  std::int64_t batch_;
  std::int64_t size_ = 0;
  Extent patch_;
  std::vector<kernels::View> views_;
  std::vector<std::optional<StemPlan>> stems_;
  std::vector<LayerPlan> streams_;  ///< without those
  std::vector<HeldBuffer<std::byte>> inputs_;
  Workspace workspace_;
  HeldBuffer<float> vectors_;
  BatchGraphs graphs_;
};

/// Branch and decision layers of a 2-channel network: inputs of the streams → one score an item.
class PairPlan {
 public:
  PairPlan(DeviceWeights& weights, Extent patch, std::size_t first_layer, std::int64_t batch);
  /// From the branch's inputs to scores(), replayed as a graph once the way is known.
  void run();
  [[nodiscard]] BranchPlan& branch() noexcept { return branch_; }
  [[nodiscard]] std::int64_t batch() const noexcept { return branch_.batch(); }
  /// [batch], floats.
  [[nodiscard]] const float* scores() const { return scores_.data(); }
  [[nodiscard]] double operations() const { return branch_.operations() + decision_.front().operations(); }
  [[nodiscard]] std::int64_t bytes() const { return branch_.bytes() + decision_.front().bytes(); }

 private:
  void enqueue();
  std::shared_ptr<Device> device_;
  BranchPlan branch_;
  std::vector<LayerPlan> decision_;  ///< one
  Workspace workspace_;
  HeldBuffer<std::byte> converted_;  ///< vectors in the device's type
  HeldBuffer<float> scores_;         ///< [batch]
  BatchGraphs graphs_;
};

/// Items per pass that were asked for, or enough to fill any device with the smallest layers of a tower.
[[nodiscard]] std::int64_t asked_batch(const ExecutionOptions& options);
/// Items per pass: as asked for, or what keeps the activations of a pass within a quarter of the memory.
[[nodiscard]] std::int64_t batch_limit(const Device& device, const NetworkSpec& spec, Extent patch);

/// Plans of one executor by patch size, tower and batch; the ones used last are kept. Batches are powers of two up to a
/// limit that falls when memory runs out.
template <class Plan>
class BatchPlans {
 public:
  /// The plan for `count` items: of a batch that holds them all, or the largest one. `make(batch)` makes one where
  /// there is none; where that runs out of memory all other plans are let go and smaller batches tried, down to 1.
  template <class Make>
  Plan& get(const std::string& branch, Extent patch, std::int64_t limit, std::int64_t count, const Make& make) {
    for (;;) {
      const std::int64_t batch = batch_for(limit, count);
      for (auto entry = plans_.begin(); entry != plans_.end(); ++entry) {
        if (entry->branch != branch || entry->patch != patch || entry->plan->batch() != batch) continue;
        plans_.splice(plans_.begin(), plans_, entry);
        return *plans_.front().plan;
      }
      try {
        while (plans_.size() >= kMost) plans_.pop_back();
        plans_.push_front({branch, patch, make(batch)});
        return *plans_.front().plan;
      } catch (const OutOfMemory&) {
        if (plans_.empty()) {
          if (batch == 1) throw;
          largest_ = batch / 2;
        }
        plans_.clear();
      }
    }
  }
  void clear() { plans_.clear(); }

 private:
  static constexpr std::size_t kMost = 8;
  [[nodiscard]] std::int64_t batch_for(std::int64_t limit, std::int64_t count) const {
    const std::int64_t most = std::min(limit, largest_);
    std::int64_t batch = 1;
    while (batch < count && batch < most) batch *= 2;
    return std::min(batch, most);
  }
  struct Entry {
    std::string branch;
    Extent patch;
    std::unique_ptr<Plan> plan;
  };
  std::list<Entry> plans_;  ///< most recently used first
  std::int64_t largest_ = std::int64_t{1} << 40;
};

}  // namespace twinpatch::cuda
