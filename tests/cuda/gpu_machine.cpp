// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "engine_support.hpp"

namespace twinpatch::test {

std::unique_ptr<DeviceMachine> machine_of(int devices) {
  return count_cuda_devices() < devices ? nullptr : std::make_unique<DeviceMachine>();
}

}  // namespace twinpatch::test
