// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime.h>

#include <cstddef>
#include <cstring>

#include "simt/simt.hpp"

// Memory of the CUDA stand-in's device, as another library in the process would hold it: for test_device.py, by ctypes.
// Nothing is given back before the process ends.

extern "C" {

/// Before all else: the device does nothing before somebody waits for it, and then only what that needs.
__attribute__((visibility("default"))) void stand_in_begin() {
  static const auto* const machine = new simt::Machine({.eagerness = simt::Eagerness::late});
  (void)machine;  // until the process ends
}

/// Null where it fails.
__attribute__((visibility("default"))) void* stand_in_allocate(std::size_t bytes) {
  void* memory = nullptr;
  return cudaMalloc(&memory, bytes) == cudaSuccess ? memory : nullptr;
}

/// Begins a copy to the device on a stream of its own and does not wait for it. `from` may change once this returns.
__attribute__((visibility("default"))) bool stand_in_write(void* to, const void* from, std::size_t bytes) {
  void* pinned = nullptr;
  cudaStream_t stream = nullptr;
  if (cudaMallocHost(&pinned, bytes) != cudaSuccess) return false;
  if (cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) != cudaSuccess) return false;
  std::memcpy(pinned, from, bytes);
  return cudaMemcpyAsync(to, pinned, bytes, cudaMemcpyHostToDevice, stream) == cudaSuccess;
}
}
