// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "runtime/handle.hpp"

namespace twinpatch::cuda {

/// A captured sequence of launches and copies, replayed at the cost of one launch. Pointers and sizes are those of the
/// capture: buffers named in it must stay where they are.
class Graph {
 public:
  Graph() noexcept = default;
  /// Calls `work`, which submits to `stream` (and to streams joined to it by events) and neither synchronises nor
  /// allocates. Nothing runs yet. Throws what `work` throws, or DeviceError where something in it cannot be captured;
  /// the stream is usable afterwards either way.
  [[nodiscard]] static Graph capture(cudaStream_t stream, const std::function<void()>& work);

  [[nodiscard]] explicit operator bool() const noexcept { return executable_ != nullptr; }
  /// Does not synchronise.
  void launch(cudaStream_t stream) const;
  [[nodiscard]] std::int64_t nodes() const noexcept { return nodes_; }

 private:
  Handle<cudaGraphExec_t, &cudaGraphExecDestroy> executable_;
  std::int64_t nodes_ = 0;
};

/// The steady state of a plan, one graph per batch size. The first run of a size goes to the stream directly (libraries
/// load modules then, which capture forbids), the second is captured, all later ones replay.
class BatchGraphs {
 public:
  /// `log` hears why graphs are not used, once.
  explicit BatchGraphs(std::function<void(const std::string& line)> log = {}) : log_(std::move(log)) {}

  /// `work` depends on nothing but `batch`: the same pointers and sizes at every call. Does not synchronise. Where
  /// capture is refused the work runs directly, now and from then on.
  void run(std::int64_t batch, cudaStream_t stream, const std::function<void()>& work);
  /// Why graphs are not used, empty if they are.
  [[nodiscard]] const std::string& fallback() const noexcept { return fallback_; }
  /// Forgets all graphs: after a buffer has moved.
  void clear() noexcept;
  [[nodiscard]] std::int64_t captured() const noexcept { return captured_; }
  [[nodiscard]] std::int64_t replayed() const noexcept { return replayed_; }

 private:
  struct Entry {
    Graph graph;
    bool warm = false;
  };
  std::function<void(const std::string& line)> log_;
  std::map<std::int64_t, Entry> entries_;
  std::string fallback_;
  std::int64_t captured_ = 0;
  std::int64_t replayed_ = 0;
};

}  // namespace twinpatch::cuda
