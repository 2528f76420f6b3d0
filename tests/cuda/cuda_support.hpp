// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <utility>

#include "support/backend_rig.hpp"
#include "support/cuda_device.hpp"
#include "support/reference.hpp"
#include "support/tolerances.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/cpu/backend.hpp"
#include "twinpatch/cuda/backend.hpp"

// Cases are written once: they run on the SIMT stand-in everywhere, and on a GPU where there is one.

namespace twinpatch::test {

inline ExecutionOptions cuda_options(Precision precision = Precision::fp32) {
  ExecutionOptions options;
  options.device = "cuda:0";
  options.threads = 2;
  options.precision = precision;
  return options;
}

inline Rig cuda_rig(std::shared_ptr<const Model> model, const ExecutionOptions& options = cuda_options()) {
  return {make_cuda_backend(options), std::move(model)};
}

}  // namespace twinpatch::test
