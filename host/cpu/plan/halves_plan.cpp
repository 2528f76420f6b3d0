// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/halves_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kernels/pixel_kernels.hpp"
#include "plan/dnnl_steps.hpp"
#include "plan/stem_step.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch::cpu {

PairPlan::PairPlan(const Model& model, Extent patch, std::size_t first_layer, const PlanOptions& options)
    : branch_(model, "branch", patch, first_layer, options) {
  const auto& layers = std::get<DecisionLayers>(model.spec.decision).layers;
  const Shape vector{static_cast<int>(branch_.size()), 1, 1};
  decision_.emplace_back(LayerList{&model, "decision", layers}, 0, vector, options);
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
  for (const HalfConvolution& half : half_convolutions(model, patch, side == Side::left)) {
    const ConvolutionWork work{half.layer,
                               half.input,
                               half.output,
                               {},
                               false,
                               half.weight.data(),
                               half.bias.empty() ? nullptr : half.bias.data()};
    auto step = stem_fits(half.layer, half.output, false)
                    ? make_stem_step(work)
                    : make_convolution_step(work, {.batch = 1, .workers = workers});
    input = std::max(input, half.input.size());
    scratch = std::max(scratch, step->scratch_bytes());
    streams_.push_back({half.view, half.output, size_, std::move(step)});
    size_ += half.output.size();
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

/// As the kernel join_pooled, with tanh in the place of ReLU; rising, so it follows the maximum.
void join_pooled_tanh(const float* left, const float* right, int rows, int width, int channels, float* out) {
  const auto row = std::int64_t{width} * channels;
  for (int y = 0; y + 1 < rows; y += 2) {
    for (int x = 0; x + 1 < width; x += 2) {
      for (int c = 0; c < channels; ++c) {
        const auto at = y * row + std::int64_t{x} * channels + c;
        const auto sum = [&](std::int64_t i) { return left[i] + right[i]; };
        const float upper = std::max(sum(at), sum(at + channels));
        const float lower = std::max(sum(at + row), sum(at + row + channels));
        *out++ = std::tanh(std::max(upper, lower));
      }
    }
  }
}

}  // namespace

void join_halves(const float* left, const float* right, Shape shape, const JoinRule& rule, int first, int rows,
                 float* out) {
  const auto& kernels = pixel_kernels();
  const auto row = std::int64_t{shape.width} * shape.channels;
  left += first * row;
  right += first * row;
  if (rule.pool) {
    out += std::int64_t{first / 2} * (shape.width / 2) * shape.channels;
    if (rule.activation == Activation::Kind::relu) {
      kernels.join_pooled(left, right, rows, shape.width, shape.channels, out);
    } else {
      join_pooled_tanh(left, right, rows, shape.width, shape.channels, out);
    }
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
