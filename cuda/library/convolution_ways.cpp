// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "library/convolution_ways.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "twinpatch/core/checked.hpp"

namespace twinpatch::cuda {
namespace {

// Ready-made kernels are planned in milliseconds; fused graphs with pooling are compiled for seconds each.
constexpr int kMostReadyMade = 6;
constexpr int kMostCompiled = 2;

Way make_way(const ConvolutionRequest& request, std::vector<ExecutionPlan> stages) {
  Way way;
  way.stages = std::move(stages);
  if (way.stages.size() > 1) {
    const std::int64_t bytes =
        checked_multiply(request.batch, request.convolved().size()) * size_of(storage_of(request.precision));
    way.between = round_up(bytes, 256);
  }
  for (const auto& stage : way.stages) way.workspace = std::max(way.workspace, stage.workspace);
  way.workspace += way.between;
  return way;
}

/// Each of `first` followed by the one plan for the rest. Plans are single owners and small: the rest is planned anew
/// for each.
void add_pairs(std::vector<Way>& ways, const CudnnTarget& target, const ConvolutionRequest& request,
               std::vector<ExecutionPlan> first, Parts rest, std::string& reason) {
  for (auto& plan : first) {
    auto second = find_plans(target, request, rest, 1);
    if (second.plans.empty()) {
      reason = fmt::format("{}: {}", to_text(rest), second.last_error);
      return;
    }
    std::vector<ExecutionPlan> stages;
    stages.push_back(std::move(plan));
    stages.push_back(std::move(second.plans.front()));
    ways.push_back(make_way(request, std::move(stages)));
  }
}

}  // namespace

std::string Way::description() const {
  std::string text = "cuDNN";
  for (const auto& stage : stages) {
    text += fmt::format("{} {}, {}", &stage == stages.data() ? "" : ";", to_text(stage.parts), stage.engine);
  }
  return text;
}

Parts parts_of(const ConvolutionRequest& request) {
  return kConvolve | (request.layer.bias ? kBias : 0U) | (request.relu ? kRelu : 0U) | (request.pooling ? kPool : 0U);
}

std::vector<Way> find_ways(const CudnnTarget& target, const ConvolutionRequest& request, bool several) {
  const Parts all = parts_of(request);
  const Parts unpooled = all & ~static_cast<Parts>(kPool);
  std::vector<Way> ways;
  std::string reason;
  const auto enough = [&] { return !several && !ways.empty(); };

  auto fused = find_plans(target, request, unpooled, several ? kMostReadyMade : 1);
  reason = fused.last_error;
  if (all == unpooled) {
    for (auto& plan : fused.plans) {
      std::vector<ExecutionPlan> stages;
      stages.push_back(std::move(plan));
      ways.push_back(make_way(request, std::move(stages)));
    }
  } else {
    add_pairs(ways, target, request, std::move(fused.plans), kPool, reason);
    if (!enough()) {
      auto whole = find_plans(target, request, all, several ? kMostCompiled : 1);
      for (auto& plan : whole.plans) {
        std::vector<ExecutionPlan> stages;
        stages.push_back(std::move(plan));
        ways.push_back(make_way(request, std::move(stages)));
      }
    }
  }
  if (ways.empty() && all != kConvolve) {
    auto bare = find_plans(target, request, kConvolve, several ? kMostReadyMade : 1);
    if (!bare.last_error.empty()) reason = bare.last_error;
    add_pairs(ways, target, request, std::move(bare.plans), all & ~static_cast<Parts>(kConvolve), reason);
  }
  if (ways.empty()) {
    throw DeviceError(
        fmt::format("cuDNN has no way to compute {}{}{}", to_text(request), reason.empty() ? "" : ": ", reason));
  }
  return ways;
}

KeptPlan keep(const Way& way, double microseconds) {
  KeptPlan kept;
  kept.microseconds = microseconds;
  for (const auto& stage : way.stages) kept.stages.push_back({stage.parts, save_plan(stage)});
  return kept;
}

Way restore(const CudnnTarget& target, const ConvolutionRequest& request, const KeptPlan& kept) {
  Parts sum = 0;
  std::vector<ExecutionPlan> stages;
  for (const auto& stage : kept.stages) {
    // In order, without gap or overlap: every stage's parts lie above those before it.
    if (stage.parts == 0 || stage.parts <= sum) throw DeviceError("a kept plan whose stages are out of order");
    sum |= stage.parts;
    stages.push_back(load_plan(target, stage.parts, stage.plan));
  }
  if (sum != parts_of(request) || stages.size() > 2) throw DeviceError("a kept plan of other stages than asked for");
  return make_way(request, std::move(stages));
}

}  // namespace twinpatch::cuda
