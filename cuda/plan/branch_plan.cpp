// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/branch_plan.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "plan/kernel_rules.hpp"
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
    : device_(weights.device()), batch_(batch), patch_(patch), graphs_(device_->options.log) {
  const NetworkSpec& spec = weights.model().spec;
  for (std::size_t i = 0; i < spec.streams.size(); ++i) {
    const twinpatch::Stream& stream = spec.streams[i];
    const LayerList list{&weights.model(), fmt::format("{}.{}", branch, i), stream.layers};
    views_.push_back(view_of(stream.view));
    stems_.push_back(first_layer == 0 ? plan_stem(weights, list, layer_input(spec, stream, patch, 0)) : std::nullopt);
    const std::size_t first = stems_.back() ? stems_.back()->layers : first_layer;
    const Shape shape = layer_input(spec, stream, patch, first);
    streams_.emplace_back(weights, list, first, shape, batch);
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
                                (stems_[i] ? "stem from pixels; " : "") + streams_[i].describe()));
  }
}

void BranchPlan::load(std::span<const kernels::PatchSource> sources, std::int64_t count) {
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    const kernels::PatchLoad load{.sources = sources,
                                  .count = count,
                                  .height = patch_.height,
                                  .width = patch_.width,
                                  .view = views_[i],
                                  .type = device_->type};
    if (stems_[i]) {
      kernels::stem(device_->stream(), stems_[i]->stem, load, inputs_[i].data());
    } else {
      kernels::load_patches(device_->stream(), load, inputs_[i].data());
    }
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
  double sum = 0;
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    sum += streams_[i].operations() + (stems_[i] ? stems_[i]->operations * static_cast<double>(batch_) : 0);
  }
  return sum;
}

std::int64_t BranchPlan::bytes() const {
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    sum += streams_[i].bytes();
    if (stems_[i]) sum += batch_ * (patch_.height * patch_.width + stems_[i]->output.size() * size_of(device_->type));
  }
  return sum;
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
