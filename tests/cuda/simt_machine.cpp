// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "engine_support.hpp"
#include "simt/simt.hpp"

namespace twinpatch::test {
namespace {

struct SimtMachine final : DeviceMachine {
  SimtMachine(int devices, std::int64_t memory) : machine({.devices = devices, .memory = memory}) {}
  simt::Machine machine;
};

}  // namespace

std::unique_ptr<DeviceMachine> machine_of(int devices, std::int64_t memory) {
  return std::make_unique<SimtMachine>(devices, memory);
}

}  // namespace twinpatch::test
