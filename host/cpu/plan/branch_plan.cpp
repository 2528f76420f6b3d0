// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/branch_plan.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "plan/own_steps.hpp"

namespace twinpatch::cpu {
namespace {

constexpr std::int64_t kDefaultBatch = 32;

/// Input of layer `first` of a stream.
Shape shape_before(const NetworkSpec& spec, const Stream& stream, Extent patch, std::size_t first) {
  Shape shape = stream_input(spec, stream, patch);
  for (std::size_t i = 0; i < first; ++i) shape = output_shape(stream.layers[i], shape);
  return shape;
}

}  // namespace

BranchPlan::BranchPlan(const Model& model, const std::string& branch, Extent patch, std::size_t first_layer,
                       const PlanOptions& options)
    : batch_(options.size.batch) {
  std::int64_t input_floats = 0;
  for (std::size_t i = 0; i < model.spec.streams.size(); ++i) {
    const auto& stream = model.spec.streams[i];
    const auto shape = shape_before(model.spec, stream, patch, first_layer);
    const LayerWeights weights{&model, fmt::format("{}.{}", branch, i)};
    streams_.emplace_back(stream.layers, first_layer, shape, weights, options);
    input_floats = std::max(input_floats, shape.size());
    size_ += streams_.back().output().size();
  }
  for (int worker = 0; worker < options.size.workers; ++worker) {
    workers_.push_back({Buffer<float>(checked_multiply(batch_, input_floats)), make_workspace(streams_)});
  }
}

void BranchPlan::run(int worker, std::int64_t batch, const Fill& fill, float* out, std::int64_t stride) {
  auto& mine = workers_[static_cast<std::size_t>(worker)];
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    const auto& stream = streams_[i];
    fill(i, mine.input.data());
    const float* result = stream.run(worker, batch, mine.input.data(), mine.workspace);
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
  std::int64_t largest = 1;  // values of the largest activation of one item
  for (const auto& stream : spec.streams) {
    Shape shape = stream_input(spec, stream, patch);
    largest = std::max(largest, shape.size());
    for (const auto& layer : stream.layers) {
      shape = output_shape(layer, shape);
      largest = std::max(largest, shape.size());
    }
  }
  // Three buffers of an item's largest activation a worker; they may take a quarter of the memory.
  const auto item_bytes = checked_multiply(3 * largest, static_cast<std::int64_t>(sizeof(float)) * workers);
  const auto fits = std::max<std::int64_t>(1, context.memory / 4 / item_bytes);
  const auto wanted = context.options.batch > 0 ? context.options.batch : kDefaultBatch;
  return {.size = {.batch = std::min(wanted, fits), .workers = workers},
          .exact_convolutions = context.exact_convolutions};
}

}  // namespace twinpatch::cpu
