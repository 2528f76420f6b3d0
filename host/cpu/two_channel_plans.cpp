// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "two_channel_plans.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "dnnl_steps.hpp"
#include "pixel_kernels.hpp"
#include "stem_step.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch::cpu {

PairPlan::PairPlan(const Model& model, Extent patch, std::size_t first_layer, const PlanOptions& options)
    : branch_(model, "branch", patch, first_layer, options) {
  const auto& layers = std::get<DecisionLayers>(model.spec.decision).layers;
  const Shape vector{static_cast<int>(branch_.size()), 1, 1};
  decision_.emplace_back(layers, 0, vector, LayerWeights{&model, "decision"}, options);
  for (int worker = 0; worker < options.size.workers; ++worker) {
    workers_.push_back(
        {Buffer<float>(checked_multiply(options.size.batch, branch_.size())), make_workspace(decision_)});
  }
}

void PairPlan::run(int worker, std::int64_t batch, const BranchPlan::Fill& fill, float* scores) {
  auto& mine = workers_[static_cast<std::size_t>(worker)];
  branch_.run(worker, batch, fill, mine.vectors.data(), branch_.size());
  std::copy_n(decision_.front().run(worker, batch, mine.vectors.data(), mine.workspace), batch, scores);
}

std::vector<std::string> PairPlan::describe() const {
  auto result = branch_.describe();
  for (auto& line : decision_.front().describe()) result.push_back(std::move(line));
  return result;
}

HalvesPlan::HalvesPlan(const Model& model, Extent patch, Side side, int workers) {
  std::int64_t input = 0;
  std::int64_t scratch = 0;
  for (std::size_t i = 0; i < model.spec.streams.size(); ++i) {
    const auto& stream = model.spec.streams[i];
    const auto& layer = std::get<Convolution>(stream.layers.front());
    Stream half{stream.view, stream_input(model.spec, stream, patch), {}, size_, nullptr};
    half.output = output_shape(layer, half.input);
    half.input.channels = 1;
    const LayerWeights weights{&model, fmt::format("branch.{}", i)};
    const auto window = std::int64_t{layer.kernel.height} * layer.kernel.width;
    const float* both = weights.get(0, "weight", 2 * window * layer.out);
    std::vector<float> weight(static_cast<std::size_t>(window * layer.out));
    for (std::int64_t o = 0; o < layer.out; ++o) {
      std::copy_n(both + (2 * o + (side == Side::left ? 0 : 1)) * window, window, weight.data() + o * window);
    }
    const bool has_bias = layer.bias && side == Side::left;
    auto single = layer;
    single.in = 1;
    const float* bias = has_bias ? weights.get(0, "bias", layer.out) : nullptr;
    half.convolution = stem_fits(single, half.output, false)
                           ? make_stem_step(single, half.input, half.output, false, false, weight.data(), bias)
                           : make_convolution_step(single, half.input, half.output, {}, weight.data(), bias,
                                                   {.batch = 1, .workers = workers});
    input = std::max(input, half.input.size());
    scratch = std::max(scratch, half.convolution->scratch_bytes());
    size_ += half.output.size();
    streams_.push_back(std::move(half));
  }
  for (int worker = 0; worker < workers; ++worker) {
    workers_.push_back({Buffer<float>(input), Buffer<std::byte>(scratch)});
  }
}

void HalvesPlan::run_row(int worker, std::size_t stream, const TwoChannelRows& rows, std::int64_t row, float* out) {
  auto& mine = workers_[static_cast<std::size_t>(worker)];
  const auto& half = streams_[stream];
  load_patch(rows.patch(row), rows.map(row), half.view, mine.input.data(), 1);
  half.convolution->run(worker, 1, mine.input.data(), out, mine.scratch.data());
}

void HalvesPlan::run(CpuContext& context, const TwoChannelRows& rows, std::int64_t first, std::int64_t count,
                     float* out, const RunControl& control) {
  constexpr std::int64_t kRowsPerRange = 8;
  context.pool.for_ranges(count, kRowsPerRange, [&](std::int64_t begin, std::int64_t end, int worker) {
    control.check();
    const SingleThreaded alone;
    for (auto i = begin; i < end; ++i) {
      for (std::size_t stream = 0; stream < streams_.size(); ++stream) {
        run_row(worker, stream, rows, first + i, out + i * size_ + offset(stream));
      }
    }
  });
}

namespace {

std::optional<JoinRule> stream_rule(const NetworkSpec& spec, const Stream& stream, Extent patch) {
  const auto& layers = stream.layers;
  if (layers.empty() || !std::holds_alternative<Convolution>(layers[0])) return {};
  JoinRule rule;
  if (layers.size() < 2 || !std::holds_alternative<Activation>(layers[1])) return rule;
  rule.activation = std::get<Activation>(layers[1]).kind;
  rule.layers = 2;
  if (layers.size() < 3 || rule.activation != Activation::Kind::relu) return rule;
  const auto half = output_shape(layers[0], stream_input(spec, stream, patch));
  const auto* pooling = std::get_if<Pooling>(&layers[2]);
  if (pooling != nullptr && pooling->kind == Pooling::Kind::max && pooling->window == Extent{2, 2} &&
      pooling->stride == Extent{2, 2} && !pooling->ceil && half.height >= 2 && half.width >= 2) {
    rule.pool = true;
    rule.layers = 3;
  }
  return rule;
}

}  // namespace

std::optional<JoinRule> join_rule(const NetworkSpec& spec, Extent patch) {
  const auto first = stream_rule(spec, spec.streams.front(), patch);
  for (const auto& stream : spec.streams) {
    if (stream_rule(spec, stream, patch) != first) return {};
  }
  return first;
}

void join_halves(const float* left, const float* right, Shape shape, const JoinRule& rule, int first, int rows,
                 float* out) {
  const auto& kernels = pixel_kernels();
  const auto row = std::int64_t{shape.width} * shape.channels;
  left += first * row;
  right += first * row;
  if (rule.pool) {
    out += std::int64_t{first / 2} * (shape.width / 2) * shape.channels;
    kernels.join_pooled(left, right, rows, shape.width, shape.channels, out);
    return;
  }
  out += first * row;
  const auto values = rows * row;
  if (rule.activation == Activation::Kind::relu) {
    kernels.join(left, right, values, out);
    return;
  }
  for (std::int64_t i = 0; i < values; ++i) out[i] = left[i] + right[i];
  for (std::int64_t i = 0; rule.activation && i < values; ++i) out[i] = std::tanh(out[i]);
}

}  // namespace twinpatch::cpu
