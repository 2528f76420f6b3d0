// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "engine_support.hpp"
#include "simt/simt.hpp"

namespace twinpatch::test {
namespace {

struct SimtMachine final : DeviceMachine {
  explicit SimtMachine(int devices) : machine({.devices = devices}) {}
  simt::Machine machine;
};

}  // namespace

std::unique_ptr<DeviceMachine> machine_of(int devices) { return std::make_unique<SimtMachine>(devices); }

}  // namespace twinpatch::test
