// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "cuda_support.hpp"
#include "support/small_networks.hpp"
#include "twinpatch/cuda/backend.hpp"
#include "twinpatch/engine/engine.hpp"

namespace twinpatch::test {

/// A machine of that many devices with so many bytes each, in place of the one there is, until the end of its scope.
/// Null where there are fewer or smaller ones (a GPU host): the case says so and returns.
struct DeviceMachine {
  virtual ~DeviceMachine() = default;
};
[[nodiscard]] std::unique_ptr<DeviceMachine> machine_of(int devices, std::int64_t memory = std::int64_t{1} << 30);

inline Engine cuda_engine(const Model& model, const std::string& device = "cuda:0", std::int64_t memory = 0) {
  ExecutionOptions options = cuda_options();
  options.device = device;
  options.memory = memory;
  options.batch = 16;
  return {Model(model), make_cuda_backend(options), options};
}
inline Engine cpu_engine(const Model& model) { return {Model(model), cpu_options()}; }

/// Every score of left × right.
inline Matrix all_scores(Engine& engine, PatchView left, PatchView right) {
  Matrix scores(left.count, right.count);
  engine.grid(left, right, [&](std::int64_t row, std::int64_t column, MatrixView tile) {
    for (std::int64_t i = 0; i < tile.rows; ++i) {
      std::copy_n(tile.row(i).data(), tile.columns, scores.row(row + i).data() + column);
    }
  });
  return scores;
}

}  // namespace twinpatch::test
