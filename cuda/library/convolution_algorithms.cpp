// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "library/convolution_algorithms.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "twinpatch/core/checked.hpp"

namespace twinpatch::cuda {
namespace {

// Ready-made kernels are planned in ten milliseconds, and there are some forty of them; those that are compiled take
// seconds each.
constexpr PlanLimits kEvery{.ready_made = 64, .compiled = 0};
constexpr PlanLimits kOne{.ready_made = 1, .compiled = 1};
constexpr PlanLimits kFewCompiled{.ready_made = 2, .compiled = 2};

using Stages = std::vector<std::shared_ptr<const ExecutionPlan>>;

Algorithm make_algorithm(const ConvolutionRequest& request, Stages stages, bool own_pool = false) {
  Algorithm algorithm{.stages = std::move(stages), .own_pool = own_pool};
  if (algorithm.stages.size() > 1 || own_pool) {
    const std::int64_t bytes =
        checked_multiply(request.batch, request.convolved().size()) * size_of(storage_of(request.precision));
    algorithm.between = round_up(bytes, 256);
  }
  for (const auto& stage : algorithm.stages) algorithm.workspace = std::max(algorithm.workspace, stage->workspace);
  algorithm.workspace += algorithm.between;
  return algorithm;
}

Stages find_stages(const PlanFinder& find, Parts parts, PlanLimits limits, std::string& reason) {
  PlanSearch search = find(parts, limits);
  if (!search.last_error.empty()) reason = fmt::format("{}: {}", to_text(parts), search.last_error);
  Stages stages;
  for (auto& plan : search.plans) stages.push_back(std::make_shared<const ExecutionPlan>(std::move(plan)));
  return stages;
}

}  // namespace

std::string Algorithm::description() const {
  std::string text = "cuDNN";
  for (const auto& stage : stages) {
    text += fmt::format("{} {}, {}", &stage == stages.data() ? "" : ";", to_text(stage->parts), stage->engine);
  }
  return own_pool ? text + "; own pool" : text;
}

Parts parts_of(const ConvolutionRequest& request) {
  return kConvolve | (request.layer.bias ? kBias : 0U) | (request.relu ? kRelu : 0U) | (request.pooling ? kPool : 0U);
}

std::vector<Algorithm> find_algorithms(const CudnnTarget& target, const ConvolutionRequest& request, bool several) {
  const PlanFinder find = [&](Parts parts, PlanLimits limits) { return find_plans(target, request, parts, limits); };
  return find_algorithms(find, request, several);
}

std::vector<Algorithm> find_algorithms(const PlanFinder& find, const ConvolutionRequest& request, bool several) {
  const Parts all = parts_of(request);
  const Parts unpooled = all & ~static_cast<Parts>(kPool);
  const bool pooled = all != unpooled;
  std::vector<Algorithm> algorithms;
  std::string reason;
  const Stages fused = find_stages(find, unpooled, several ? kEvery : kOne, reason);
  for (const auto& stage : fused) algorithms.push_back(make_algorithm(request, {stage}, pooled));
  if (pooled && several) {
    if (!fused.empty()) {
      const Stages pool = find_stages(find, kPool, kOne, reason);
      if (!pool.empty()) algorithms.push_back(make_algorithm(request, {fused.front(), pool.front()}));
    }
    for (const auto& whole : find_stages(find, all, kFewCompiled, reason)) {
      algorithms.push_back(make_algorithm(request, {whole}));
    }
  }
  const Parts rest = all & ~static_cast<Parts>(kConvolve);
  if (algorithms.empty() && rest != 0) {
    const Stages bare = find_stages(find, kConvolve, several ? kEvery : kOne, reason);
    const Stages second = bare.empty() ? Stages{} : find_stages(find, rest, kOne, reason);
    for (const auto& stage : second.empty() ? Stages{} : bare) {
      algorithms.push_back(make_algorithm(request, {stage, second.front()}));
    }
  }
  if (algorithms.empty()) {
    throw DeviceError(fmt::format("cuDNN cannot compute {}{}{}", to_text(request), reason.empty() ? "" : ": ", reason));
  }
  return algorithms;
}

TunedPlan keep(const Algorithm& algorithm, double microseconds) {
  TunedPlan kept;
  kept.microseconds = microseconds;
  for (const auto& stage : algorithm.stages) kept.stages.push_back({stage->parts, save_plan(*stage)});
  if (algorithm.own_pool) kept.stages.push_back({kPool, ""});
  return kept;
}

Algorithm restore(const CudnnTarget& target, const ConvolutionRequest& request, const TunedPlan& kept) {
  Parts sum = 0;
  Stages stages;
  bool own_pool = false;
  for (const auto& stage : kept.stages) {
    // In order, without gap or overlap: every stage's parts lie above those before it.
    if (stage.parts == 0 || stage.parts <= sum) throw DeviceError("a stored plan whose stages are out of order");
    sum |= stage.parts;
    own_pool = stage.parts == kPool && stage.plan.empty();
    if (own_pool) continue;
    stages.push_back(std::make_shared<const ExecutionPlan>(load_plan(target, stage.parts, stage.plan)));
  }
  if (sum != parts_of(request) || kept.stages.size() > 2) {
    throw DeviceError("a stored plan of other stages than requested");
  }
  return make_algorithm(request, std::move(stages), own_pool);
}

}  // namespace twinpatch::cuda
