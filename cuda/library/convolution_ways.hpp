// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "library/cudnn_graph.hpp"
#include "library/plan_cache.hpp"

namespace twinpatch::cuda {

/// One way to compute a whole request: a plan, or two of which the second reads what the first wrote.
struct Way {
  std::vector<ExecutionPlan> stages;
  std::int64_t between = 0;    ///< bytes of what the first of two writes, at the start of the workspace
  std::int64_t workspace = 0;  ///< bytes, `between` included

  [[nodiscard]] std::string description() const;
};

/// What the parts of a request are.
[[nodiscard]] Parts parts_of(const ConvolutionRequest& request);

/// Ways to compute it, those first that are expected to be fast: convolution, bias and ReLU in one kernel and then the
/// pooling; all of it in one; the bare convolution first, where the library cannot fuse. One way where `several` is
/// false. Throws DeviceError with the library's reason where there is none.
[[nodiscard]] std::vector<Way> find_ways(const CudnnTarget& target, const ConvolutionRequest& request, bool several);

/// A way from and to what is kept of it. Reading throws DeviceError where the library does not take a plan, or where
/// the stages do not add up to the request.
[[nodiscard]] KeptPlan keep(const Way& way, double microseconds);
[[nodiscard]] Way restore(const CudnnTarget& target, const ConvolutionRequest& request, const KeptPlan& kept);

}  // namespace twinpatch::cuda
