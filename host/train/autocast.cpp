// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "autocast.hpp"

#include <ATen/autocast_mode.h>
#include <fmt/format.h>

#include "twinpatch/core/error.hpp"

namespace twinpatch::train {
namespace {

bool processor_has_bf16() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16") != 0;  // processors with AMX have these too
#else
  return false;
#endif
}

}  // namespace

Autocast::Autocast(at::Device device) : cuda_(device.is_cuda()) {
  at::autocast::increment_nesting();
  if (cuda_) {
    at::autocast::set_autocast_gpu_dtype(at::kBFloat16);
    at::autocast::set_enabled(true);
  } else {
    at::autocast::set_autocast_cpu_dtype(at::kBFloat16);
    at::autocast::set_cpu_enabled(true);
  }
}

Autocast::~Autocast() {
  if (cuda_)
    at::autocast::set_enabled(false);
  else
    at::autocast::set_cpu_enabled(false);
  // Weights in bf16 are kept for one pass; the optimiser's next step makes them old.
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
}

void check_bf16(at::Device device) {
  if (!device.is_cuda() && !processor_has_bf16())
    throw DeviceError("--amp bf16: this processor has no bf16 instructions (AVX-512 BF16); train without it");
  try {
    const auto like = at::TensorOptions().device(device);
    const auto weight = at::ones({4, 1, 3, 3}, like).set_requires_grad(true);
    const Autocast autocast(device);
    const auto y = at::conv2d(at::ones({1, 1, 8, 8}, like), weight);
    y.to(at::kFloat).sum().backward();
    if (y.scalar_type() == at::kBFloat16) return;
  } catch (const c10::Error& error) {
    throw DeviceError(fmt::format("--amp bf16: this PyTorch cannot train in bf16 ({}); train without it",
                                  error.what_without_backtrace()));
  }
  throw DeviceError("--amp bf16: this PyTorch computes no convolution in bf16; train without it");
}

}  // namespace twinpatch::train
