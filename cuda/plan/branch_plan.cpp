// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/branch_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "plan/tuning_input.hpp"
#include "runtime/check.hpp"
#include "twinpatch/net/fused_layers.hpp"

namespace twinpatch::cuda {
namespace {

constexpr std::int64_t kDefaultBatch = 4096;
/// Values of one activation of a batch: libraries number them with 32 bits.
constexpr std::int64_t kMostValues = (std::int64_t{1} << 31) - 1;

/// Nothing reads what nobody wrote, though the last batch of a run may be short.
void clear(Device& device, HeldBuffer<std::byte>& buffer) {
  if (buffer.empty()) return;
  TWINPATCH_CUDA_CHECK(cudaMemsetAsync(buffer.data(), 0, static_cast<std::size_t>(buffer.bytes()), device.stream()));
}

}  // namespace

BranchPlan::BranchPlan(DeviceWeights& weights, const std::string& branch, Extent patch, std::size_t first_layer,
                       std::int64_t batch)
    : device_(weights.device()), batch_(batch), graphs_(device_->options.log) {
  const NetworkSpec& spec = weights.model().spec;
  for (std::size_t i = 0; i < spec.streams.size(); ++i) {
    const Shape shape = layer_input(spec, spec.streams[i], patch, first_layer);
    const LayerList list{&weights.model(), fmt::format("{}.{}", branch, i), spec.streams[i].layers};
    streams_.emplace_back(weights, list, first_layer, shape, batch);
    size_ += streams_.back().output().size();
    inputs_.emplace_back(device_, checked_multiply(batch, shape.size() * size_of(device_->type)));
    clear(*device_, inputs_.back());
  }
  workspace_ = make_workspace(device_, streams_);
  vectors_ = HeldBuffer<float>(device_, checked_multiply(batch, size_));
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    if (batch >= kTunedBatch) {
      fill_for_tuning(*device_, inputs_[i]);
      streams_[i].tune(inputs_[i].data(), workspace_);
      clear(*device_, inputs_[i]);
    }
    device_->report(fmt::format("network {}, stream {} of {}, batches of {}: {}", spec.name, i, branch, batch,
                                streams_[i].describe()));
  }
}

void BranchPlan::enqueue() {
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    const LayerPlan& stream = streams_[i];
    const void* const out = stream.run(inputs_[i].data(), workspace_);
    const Shape shape = stream.output();
    kernels::flatten(device_->stream(),
                     {stream.output_type(), out, batch_, {shape.height, shape.width, shape.channels}},
                     vectors_.data() + offset, size_);
    offset += shape.size();
  }
}

void BranchPlan::run() {
  graphs_.run(batch_, device_->stream(), [this] { enqueue(); });
}

double BranchPlan::operations() const {
  return std::accumulate(streams_.begin(), streams_.end(), 0.0,
                         [](double sum, const LayerPlan& stream) { return sum + stream.operations(); });
}

std::int64_t BranchPlan::bytes() const {
  return std::accumulate(streams_.begin(), streams_.end(), std::int64_t{0},
                         [](std::int64_t sum, const LayerPlan& stream) { return sum + stream.bytes(); });
}

PairPlan::PairPlan(DeviceWeights& weights, Extent patch, std::size_t first_layer, std::int64_t batch)
    : device_(weights.device()), branch_(weights, "branch", patch, first_layer, batch), graphs_(device_->options.log) {
  const auto& layers = std::get<DecisionLayers>(weights.model().spec.decision).layers;
  decision_.emplace_back(weights, LayerList{&weights.model(), "decision", layers}, 0,
                         Shape{static_cast<int>(branch_.size()), 1, 1}, batch);
  workspace_ = make_workspace(device_, decision_);
  converted_ = HeldBuffer<std::byte>(device_, checked_multiply(batch, branch_.size() * size_of(device_->type)));
  scores_ = HeldBuffer<float>(device_, batch);
}

void PairPlan::enqueue() {
  branch_.enqueue();
  kernels::convert(device_->stream(), branch_.vectors(), batch() * branch_.size(), device_->type, converted_.data());
  const LayerPlan& decision = decision_.front();
  const void* const out = decision.run(converted_.data(), workspace_);
  kernels::flatten(device_->stream(), {decision.output_type(), out, batch(), {1, 1, 1}}, scores_.data(), 1);
}

void PairPlan::run() {
  graphs_.run(batch(), device_->stream(), [this] { enqueue(); });
}

std::int64_t asked_batch(const ExecutionOptions& options) { return options.batch > 0 ? options.batch : kDefaultBatch; }

std::int64_t batch_limit(const Device& device, const NetworkSpec& spec, Extent patch) {
  const auto [inputs, largest] = activation_sizes(spec, patch);
  const std::int64_t item_bytes = (inputs + 3 * largest) * size_of(device.type) + 8 * branch_size(spec);
  const std::int64_t fits = std::max<std::int64_t>(1, device.context.pool().bound() / 4 / item_bytes);
  const std::int64_t numbered = std::max<std::int64_t>(1, kMostValues / std::max(largest, inputs));
  return std::min({asked_batch(device.options), fits, numbered});
}

}  // namespace twinpatch::cuda
