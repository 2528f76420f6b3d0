// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "device.hpp"
#include "twinpatch/backend/backend.hpp"

namespace twinpatch::cuda {

/// One CUDA device.
class CudaBackend final : public Backend {
 public:
  explicit CudaBackend(std::shared_ptr<Device> device) : device_(std::move(device)) {}
  [[nodiscard]] std::string description() const override;
  [[nodiscard]] int device() const { return device_->context.properties().device; }
  [[nodiscard]] std::unique_ptr<BranchExecutor> make_branch(std::shared_ptr<const Model> model) override;
  [[nodiscard]] std::unique_ptr<PairScorer> make_scorer(std::shared_ptr<const Model> model) override;
  [[nodiscard]] std::unique_ptr<Selection> make_selection(const SelectionRequest& request) override;
  [[nodiscard]] TileSize tile_size(const Model& model, int height, int width) const override;
  [[nodiscard]] std::int64_t patches_at_once() const override;
  [[nodiscard]] std::int64_t memory() const override { return device_->context.pool().bound(); }
  [[nodiscard]] std::vector<RunSummary> summaries() const override;

 private:
  std::shared_ptr<Device> device_;
};

/// Several devices by blocks of rows, a thread each: the left side of a grid is divided among them, the right side is
/// on all. What one of them meets is thrown once the others have come to rest.
[[nodiscard]] std::unique_ptr<Backend> make_several_devices(std::vector<std::unique_ptr<CudaBackend>> devices);

}  // namespace twinpatch::cuda
