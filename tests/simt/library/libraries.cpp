// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "library/libraries.hpp"

#include "stand_in.hpp"

namespace twinpatch::cuda {

Libraries::Libraries(int device, LibraryOptions options)
    : state_(std::make_unique<State>(State{std::move(options), stand_in::current_device()})) {
  if (state_->device == device) return;
  throw DeviceError(fmt::format("the libraries of device {} are opened on device {}", device, state_->device));
}
Libraries::~Libraries() = default;

std::string Libraries::description() const { return "reference code in place of cuDNN and cuBLASLt"; }

std::vector<std::string> describe_libraries() { return {"reference code in place of cuDNN and cuBLASLt"}; }

}  // namespace twinpatch::cuda
