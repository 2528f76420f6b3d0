// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "engine_support.hpp"
#include "runtime/device_properties.hpp"
#include "twinpatch/cuda/backend.hpp"

namespace twinpatch::test {

std::unique_ptr<DeviceMachine> machine_of(int devices, std::int64_t memory) {
  if (count_cuda_devices() < devices) return nullptr;
  for (int device = 0; device < devices; ++device) {
    if (cuda::device_properties(device).memory / 10 * 9 < memory) return nullptr;
  }
  return std::make_unique<DeviceMachine>();
}

}  // namespace twinpatch::test
