// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "library/convolution_request.hpp"
#include "library/cudnn_descriptor.hpp"

// Convolutions as operation graphs of cuDNN's backend API, and its plans for them.

namespace twinpatch::cuda {

/// What a graph is planned for: an open device, or properties of a device that is not there (plans can be made, not
/// run).
struct CudnnTarget {
  cudnnHandle_t handle = nullptr;
  const Descriptor* properties = nullptr;
};

/// Parts of a request that one graph computes. Together, in the order of their values, they make the whole.
enum Part : unsigned { kConvolve = 1, kBias = 2, kRelu = 4, kPool = 8 };
using Parts = unsigned;

/// Unique ids of the tensors a graph reads and writes.
enum TensorId : std::int64_t { kIn = 1, kFilter = 2, kBiasValues = 3, kOut = 4 };

/// The graph of some parts of a request, from `kIn` to `kOut`, channels last.
[[nodiscard]] Descriptor make_graph(const CudnnTarget& target, const ConvolutionRequest& request, Parts parts);
/// "conv+bias+relu".
[[nodiscard]] std::string to_text(Parts parts);

/// A plan for a graph.
struct ExecutionPlan {
  Parts parts = 0;
  Descriptor plan;
  std::int64_t workspace = 0;  ///< bytes
  std::string engine;          ///< "engine 51", for people
};

/// What became of the engines of one graph.
struct PlanSearch {
  std::vector<ExecutionPlan> plans;  ///< ready to run, the library's first choice first
  int refused = 0;                   ///< engines whose arithmetic or determinism the request does not accept
  int compiled_unloaded = 0;         ///< compiled, but not loaded: there is no device (see CudnnTarget)
  std::string last_error;            ///< of the last engine that failed
};
/// How many plans to make, of kernels that the library brings and of those that it compiles.
struct PlanLimits {
  int ready_made = 1;
  int compiled = 1;
};
/// Plans for `parts` of a request within its limit on workspace, whose arithmetic is what the precision promises: no
/// TF32 in fp32, sums in fp32, the same bits at every run. Empty where the library knows none.
[[nodiscard]] PlanSearch find_plans(const CudnnTarget& target, const ConvolutionRequest& request, Parts parts,
                                    PlanLimits limits);

/// A plan as text, to be kept, and back. Reading throws DeviceError for text the library does not take.
[[nodiscard]] std::string save_plan(const ExecutionPlan& plan);
[[nodiscard]] ExecutionPlan load_plan(const CudnnTarget& target, Parts parts, const std::string& text);

}  // namespace twinpatch::cuda
