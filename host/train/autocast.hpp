// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

namespace twinpatch::train {

/// While it lives, PyTorch computes convolutions and matrix products of this thread in bf16.
class Autocast {
 public:
  explicit Autocast(at::Device device);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  bool cuda_;
};

/// Throws DeviceError, naming the reason, where the processor has no instructions for bf16 or PyTorch computes none in
/// it.
void check_bf16(at::Device device);

}  // namespace twinpatch::train
