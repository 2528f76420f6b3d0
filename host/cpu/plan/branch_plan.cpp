// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/branch_plan.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "plan/own_steps.hpp"
#include "twinpatch/core/units.hpp"

namespace twinpatch::cpu {
namespace {

constexpr std::int64_t kDefaultBatch = 32;
/// Items that pass through a network's first layers at a time, so that their activations stay in a second-level cache.
/// Products of float32 take longer, and read twice the weights.
constexpr std::int64_t kItemsAtOnce = 8;
constexpr std::int64_t kFloatItemsAtOnce = 16;
constexpr std::int64_t kAlwaysAllowed = 64 << 20;  // bytes, whatever the bound on memory: one item of any usual network

}  // namespace

BranchPlan::BranchPlan(const Model& model, const std::string& branch, Extent patch, std::size_t first_layer,
                       const PlanOptions& options)
    : batch_(options.size.batch),
      items_(std::min(batch_, options.precision == Precision::fp32 ? kFloatItemsAtOnce : kItemsAtOnce)) {
  std::int64_t input_floats = 0;
  std::int64_t middle_floats = 0;
  for (std::size_t i = 0; i < model.spec.streams.size(); ++i) {
    const auto& stream = model.spec.streams[i];
    const auto shape = layer_input(model.spec, stream, patch, first_layer);
    const LayerList list{&model, fmt::format("{}.{}", branch, i), stream.layers};
    streams_.emplace_back(list, first_layer, shape, options);
    input_floats = std::max(input_floats, shape.size());
    middle_floats = std::max(middle_floats, streams_.back().middle());
    size_ += streams_.back().output().size();
  }
  for (int worker = 0; worker < options.size.workers; ++worker) {
    workers_.push_back({Buffer<float>(checked_multiply(items_, input_floats)),
                        Buffer<float>(checked_multiply(batch_, middle_floats)), make_workspace(streams_)});
  }
}

void BranchPlan::run(int worker, std::int64_t batch, const Fill& fill, float* out, std::int64_t stride) {
  auto& mine = workers_[static_cast<std::size_t>(worker)];
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    const auto& stream = streams_[i];
    for (std::int64_t first = 0; first < batch; first += items_) {
      const Items items{first, std::min(items_, batch - first)};
      fill(i, items, mine.input.data());
      stream.run_first(worker, items.count, mine.input.data(), mine.middle.data() + first * stream.middle(),
                       mine.workspace);
    }
    const float* result = stream.run_rest(worker, batch, mine.middle.data(), mine.workspace);
    for (std::int64_t item = 0; item < batch; ++item) {
      flatten_channels_first(result + item * stream.output().size(), stream.output(), out + item * stride);
    }
    out += stream.output().size();
  }
}

std::vector<std::string> BranchPlan::describe() const {
  std::vector<std::string> result;
  for (const auto& stream : streams_) {
    for (auto& line : stream.describe()) result.push_back(std::move(line));
  }
  return result;
}

PlanOptions plan_options(CpuContext& context, const NetworkSpec& spec, Extent patch) {
  const int workers = context.pool.threads();
  // Three buffers of an item's largest activation a worker; they may take a quarter of the memory.
  const auto item_bytes =
      checked_multiply(3 * activation_sizes(spec, patch).largest, static_cast<std::int64_t>(sizeof(float)) * workers);
  // One item at a time is the least there is. Specifications come from files, and a small one may ask for any amount.
  if (item_bytes > std::max(context.memory, kAlwaysAllowed)) {
    throw OutOfMemory(fmt::format("a patch of {}x{} pixels takes {} of memory in {}, of which {} may be used",
                                  patch.height, patch.width, format_bytes(item_bytes), spec.name,
                                  format_bytes(context.memory)));
  }
  const auto fits = std::max<std::int64_t>(1, context.memory / 4 / item_bytes);
  const auto wanted = context.options.batch > 0 ? context.options.batch : kDefaultBatch;
  return {.size = {.batch = std::min(wanted, fits), .workers = workers},
          .exact_convolutions = context.exact_convolutions,
          .precision = context.options.precision,
          .saturation = &context.saturation,
          .recorder = context.recorder};
}

}  // namespace twinpatch::cpu
