// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <memory>
#include <string>

#include "library/convolution_request.hpp"
#include "library/libraries.hpp"
#include "library/pack.hpp"

namespace twinpatch::cuda {

/// out = pool(relu(convolve(in, filter) + bias)), planned once. All of it channels last: `in` [batch, height, width,
/// channels] and `out` [batch, height, width, channels] without gaps, in storage_of(precision); `bias` [out channels],
/// of the same type; `filter` as pack_filter() gives it, same type. Pointers aligned to 16 bytes.
/// Device memory of one batch.
struct ConvolutionBuffers {
  const void* in = nullptr;
  const void* filter = nullptr;
  const void* bias = nullptr;  ///< not read where the layer has none
  void* out = nullptr;
  void* workspace = nullptr;  ///< may be null where workspace_bytes() is 0
};

class ConvolutionPlan {
 public:
  /// Finds algorithms for it: the one that was fastest on this GPU before, where a plan was kept, else what the
  /// library's heuristics name. Compiles: takes up to seconds; never inside a capture.
  ConvolutionPlan(Libraries& libraries, const ConvolutionRequest& request);
  ~ConvolutionPlan();
  ConvolutionPlan(ConvolutionPlan&&) noexcept;
  ConvolutionPlan& operator=(ConvolutionPlan&&) noexcept;

  /// Workspace run() and tune() need, in bytes. tune() may lower it.
  [[nodiscard]] std::int64_t workspace_bytes() const;
  /// True until the fastest algorithm is known: by tune() or from a kept plan.
  [[nodiscard]] bool needs_tuning() const;
  /// Times every algorithm on the caller's buffers (it overwrites `out` and `workspace`; `in` holds random values),
  /// takes the fastest whose results are those of the first, and keeps the choice for the next run. Synchronises the
  /// stream. Never inside a capture. Nothing happens where needs_tuning() is false.
  void tune(cudaStream_t stream, const ConvolutionBuffers& buffers);
  /// Enqueues one batch; allocates nothing and does not synchronise. May be captured, after a first call outside of a
  /// capture (libraries load kernels on first use).
  void run(cudaStream_t stream, const ConvolutionBuffers& buffers) const;

  [[nodiscard]] const ConvolutionRequest& request() const;
  /// What runs, in words: "cuDNN conv+bias+relu+pool, engine 1".
  [[nodiscard]] std::string description() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace twinpatch::cuda
