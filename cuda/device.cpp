// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "device.hpp"

#include "runtime/check.hpp"

namespace twinpatch::cuda {

Device::Device(int number, const ExecutionOptions& given, int host_threads)
    : context(number, given.memory),
      libraries(number, {.plan_cache = default_plan_cache(), .log = {}}),
      options(given),
      type(storage_of(given.precision)),
      profile(given.profile_warm),
      threads(host_threads) {}

void Device::finish() const { TWINPATCH_CUDA_CHECK(cudaStreamSynchronize(stream())); }

}  // namespace twinpatch::cuda
