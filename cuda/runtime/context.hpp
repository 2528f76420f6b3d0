// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "runtime/device_properties.hpp"
#include "runtime/handle.hpp"
#include "runtime/memory_pool.hpp"

namespace twinpatch::cuda {

/// One device as a run uses it: its streams, its memory, what it is. Several contexts, on one or more devices, live
/// side by side, one host thread each; a thread calls `activate()` before anything else. Everything made from a context
/// must be gone before it. There is no global state.
class Context {
 public:
  /// `memory`: bound in bytes on device memory; 0: nine tenths of what is free now. Throws DeviceError for a missing
  /// device or one this program has no kernels for, OutOfMemory where less is free than asked for.
  explicit Context(int device, std::int64_t memory = 0);
  /// Waits for the device to finish with this context's streams.
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  [[nodiscard]] int device() const noexcept { return properties_.device; }
  [[nodiscard]] const DeviceProperties& properties() const noexcept { return properties_; }
  /// Makes this context's device the calling thread's for a scope.
  [[nodiscard]] DeviceGuard activate() const { return DeviceGuard(device()); }

  [[nodiscard]] cudaStream_t compute() const noexcept { return compute_.get(); }
  [[nodiscard]] cudaStream_t copy_in() const noexcept { return copy_in_.get(); }    ///< host to device
  [[nodiscard]] cudaStream_t copy_out() const noexcept { return copy_out_.get(); }  ///< device to host
  [[nodiscard]] MemoryPool& pool() noexcept { return *pool_; }
  [[nodiscard]] const MemoryPool& pool() const noexcept { return *pool_; }

  /// Blocks until all three streams are idle. Throws what went wrong on the device since the last call.
  void synchronize() const;

 private:
  DeviceProperties properties_;
  std::unique_ptr<MemoryPool> pool_;
  Stream compute_;
  Stream copy_in_;
  Stream copy_out_;
};

}  // namespace twinpatch::cuda
