// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "plan/context.hpp"
#include "twinpatch/backend/backend.hpp"

namespace twinpatch::cpu {

/// The host's processor as a device.
class CpuBackend final : public Backend {
 public:
  explicit CpuBackend(const ExecutionOptions& options);
  [[nodiscard]] std::string description() const override;
  [[nodiscard]] std::unique_ptr<BranchExecutor> make_branch(std::shared_ptr<const Model> model) override;
  [[nodiscard]] std::unique_ptr<PairScorer> make_scorer(std::shared_ptr<const Model> model) override;
  [[nodiscard]] std::unique_ptr<Selection> make_selection(const SelectionRequest& request) override;
  [[nodiscard]] TileSize tile_size(const Model& model, int height, int width) const override;
  /// Empty unless grids were screened or int8 rounded activations.
  [[nodiscard]] std::vector<RunSummary> summaries() const override;
  [[nodiscard]] std::int64_t memory() const override { return context_->memory; }

 private:
  std::shared_ptr<CpuContext> context_;
};

/// Name of the instruction set our own kernels run with: "AVX-512", "AVX2", ….
[[nodiscard]] std::string kernel_target();

}  // namespace twinpatch::cpu
