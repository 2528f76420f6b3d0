// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "runtime/graph.hpp"

#include <utility>

#include "runtime/check.hpp"

namespace twinpatch::cuda {
namespace {

/// Ends a capture that an exception has left open: the stream must not stay in it.
class CaptureScope {
 public:
  explicit CaptureScope(cudaStream_t stream) : stream_(stream) {
    TWINPATCH_CUDA_CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  }
  ~CaptureScope() {
    if (stream_ == nullptr) return;
    cudaGraph_t graph = nullptr;
    (void)cudaStreamEndCapture(stream_, &graph);
    if (graph != nullptr) (void)cudaGraphDestroy(graph);
    (void)cudaGetLastError();
  }
  CaptureScope(const CaptureScope&) = delete;
  CaptureScope& operator=(const CaptureScope&) = delete;

  [[nodiscard]] Handle<cudaGraph_t, &cudaGraphDestroy> end() {
    cudaGraph_t graph = nullptr;
    const cudaStream_t stream = std::exchange(stream_, nullptr);
    const cudaError_t code = cudaStreamEndCapture(stream, &graph);
    Handle<cudaGraph_t, &cudaGraphDestroy> owner(graph);
    check(code, "cudaStreamEndCapture(stream, &graph)");
    return owner;
  }

 private:
  cudaStream_t stream_;
};

}  // namespace

Graph Graph::capture(cudaStream_t stream, const std::function<void()>& work) {
  CaptureScope scope(stream);
  work();
  const auto graph = scope.end();
  Graph result;
  std::size_t nodes = 0;
  TWINPATCH_CUDA_CHECK(cudaGraphGetNodes(graph.get(), nullptr, &nodes));
  result.nodes_ = static_cast<std::int64_t>(nodes);
  cudaGraphExec_t executable = nullptr;
  TWINPATCH_CUDA_CHECK(cudaGraphInstantiate(&executable, graph.get(), 0));
  result.executable_.reset(executable);
  return result;
}

void Graph::launch(cudaStream_t stream) const { TWINPATCH_CUDA_CHECK(cudaGraphLaunch(executable_.get(), stream)); }

void BatchGraphs::run(std::int64_t batch, cudaStream_t stream, const std::function<void()>& work) {
  Entry& entry = entries_[batch];
  if (!entry.warm || !fallback_.empty()) {
    work();
    entry.warm = true;
    return;
  }
  if (!entry.graph) {
    try {
      entry.graph = Graph::capture(stream, work);
      ++captured_;
    } catch (const DeviceError& refusal) {
      fallback_ = refusal.what();
      if (log_) log_("batches run without a graph: " + fallback_);
      work();
      return;
    }
  }
  entry.graph.launch(stream);
  ++replayed_;
}

void BatchGraphs::clear() noexcept {
  entries_.clear();
  fallback_.clear();
}

}  // namespace twinpatch::cuda
