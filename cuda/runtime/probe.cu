// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime.h>

#include "runtime/probe.hpp"

namespace twinpatch::cuda {
namespace {

/// Never launched: the runtime looks for its image as it would for any other kernel's. Built for the same
/// architectures.
__global__ void probe_kernel(int* out) { *out = 0; }

}  // namespace

cudaError_t probe_kernel_image() {
  cudaFuncAttributes attributes = {};
  return cudaFuncGetAttributes(&attributes, reinterpret_cast<const void*>(&probe_kernel));
}

std::string built_architectures() { return TWINPATCH_CUDA_ARCHITECTURES; }

}  // namespace twinpatch::cuda
