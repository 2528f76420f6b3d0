// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "library/cudnn_graph.hpp"
#include "library/tuned_plans.hpp"

namespace twinpatch::cuda {

/// How a whole request is computed: by a plan, or by two of which the second reads what the first wrote; or by a plan
/// and our own pooling.
struct Algorithm {
  std::vector<std::shared_ptr<const ExecutionPlan>> stages;
  bool own_pool = false;       ///< kernels::pool() comes last
  std::int64_t between = 0;    ///< bytes of what the first of two writes, at the start of the workspace
  std::int64_t workspace = 0;  ///< bytes, `between` included

  [[nodiscard]] std::string description() const;
};

/// What the parts of a request are.
[[nodiscard]] Parts parts_of(const ConvolutionRequest& request);

/// Algorithms for it: every ready-made kernel that the library has for convolution, bias and ReLU, with our own pooling
/// after each; the first of them with the library's; and all of it in one kernel. Where the library cannot fuse, the
/// bare convolution comes first. What the library compiles takes seconds each: it is compiled once and shared, and not
/// at all where `several` is false, which gives the one expected to be fastest. Throws DeviceError with the library's
/// reason where there is none.
[[nodiscard]] std::vector<Algorithm> find_algorithms(const CudnnTarget& target, const ConvolutionRequest& request,
                                                     bool several);
/// The same of what find(parts, limits) finds.
using PlanFinder = std::function<PlanSearch(Parts parts, PlanLimits limits)>;
[[nodiscard]] std::vector<Algorithm> find_algorithms(const PlanFinder& find, const ConvolutionRequest& request,
                                                     bool several);

/// An algorithm as it is kept, and back. Reading throws DeviceError where the library does not take a plan, or where
/// the stages do not add up to the request.
[[nodiscard]] TunedPlan keep(const Algorithm& algorithm, double microseconds);
[[nodiscard]] Algorithm restore(const CudnnTarget& target, const ConvolutionRequest& request, const TunedPlan& kept);

}  // namespace twinpatch::cuda
