// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "cpu_backend.hpp"

#include <fmt/format.h>

#include <hwy/targets.h>
#include <fstream>
#include <string>
#include <utility>

#include "branch/siamese_branch.hpp"
#include "branch/two_channel_rows.hpp"
#include "grid/selection.hpp"
#include "grid/strategies.hpp"
#include "pair_scorer.hpp"
#include "plan/dnnl_steps.hpp"
#include "plan/layer_numbers.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch {
namespace cpu {
namespace {

/// "model name" of the first processor, where the system tells.
std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown processor";
}

}  // namespace

CpuBackend::CpuBackend(const ExecutionOptions& options) : context_(std::make_shared<CpuContext>(options)) {}

std::string CpuBackend::description() const {
  const int threads = context_->pool.threads();
  return fmt::format("CPU, {} thread{}, {} ({})", threads, threads == 1 ? "" : "s", kernel_target(), dnnl_version());
}

std::unique_ptr<BranchExecutor> CpuBackend::make_branch(std::shared_ptr<const Model> model) {
  if (model->spec.coupling == Coupling::two_channel) return make_two_channel_branch(context_, std::move(model));
  return make_siamese_branch(context_, std::move(model));
}

std::unique_ptr<PairScorer> CpuBackend::make_scorer(std::shared_ptr<const Model> model) {
  return make_pair_scorer(context_, std::move(model));
}

std::unique_ptr<Selection> CpuBackend::make_selection(const SelectionRequest& request) {
  return std::make_unique<CpuSelection>(request);
}

Backend::TileSize CpuBackend::tile_size(const Model& model, int height, int width) const {
  return choose_grid(model, *context_, grid_strategies()).tile_size(model, {height, width}, context_->memory);
}

std::vector<RunSummary> CpuBackend::summaries() const {
  const ScreenedCounts counts = context_->screened.read();
  RunSummary summary;
  summary.rounded = context_->saturation.values;
  summary.saturated = context_->saturation.saturated;
  if (counts.pairs == 0 && summary.rounded == 0) return {};
  summary.device = "cpu";
  if (counts.pairs > 0) summary.screening = context_->screen->name;
  summary.screened = counts.pairs;
  summary.rescored = counts.rescored + counts.full;
  return {std::move(summary)};
}

std::string kernel_target() {
  const auto best = hwy::SupportedTargets() & -hwy::SupportedTargets();  // the lowest bit is the best target
  std::string name = hwy::TargetName(static_cast<std::uint32_t>(best));
  if (name.starts_with("AVX3")) return "AVX-512";
  return name;
}

}  // namespace cpu

std::unique_ptr<Backend> make_cpu_backend(const ExecutionOptions& options) {
  return std::make_unique<cpu::CpuBackend>(options);
}

std::vector<Precision> cpu_precisions() { return cpu::processor_precisions(); }

std::vector<std::string> describe_cpu_devices() {
  const ThreadPool pool(0);
  return {fmt::format("cpu: {}, {} threads, {} kernels, networks in {} ({}), {}", cpu::processor_name(), pool.threads(),
                      cpu::kernel_target(), cpu::names_of(cpu::processor_precisions()), cpu::product_kind(),
                      cpu::dnnl_version())};
}

}  // namespace twinpatch
