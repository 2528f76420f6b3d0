// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/pair_plan.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace twinpatch::cpu {

PairPlan::PairPlan(const Model& model, Extent patch, std::size_t first_layer, const PlanOptions& options)
    : branch_(model, "branch", patch, first_layer, options) {
  const auto& layers = std::get<DecisionLayers>(model.spec.decision).layers;
  const Shape vector{static_cast<int>(branch_.size()), 1, 1};
  PlanOptions exact = options;
  exact.precision = Precision::fp32;  // a fraction of a per cent of the work
  exact.recorder = nullptr;
  decision_.emplace_back(LayerList{&model, "decision", layers}, 0, vector, exact);
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

}  // namespace twinpatch::cpu
