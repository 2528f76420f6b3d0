// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <atomic>
#include <cstdint>

#include "runtime/handle.hpp"

namespace twinpatch::cuda {

/// All device memory of one context: a stream-ordered pool of its own that keeps what is freed, bounded in bytes.
/// Thread-safe. Counting is done here, at the call, in whole granules: the same run counts the same on every machine.
class MemoryPool {
 public:
  static constexpr std::int64_t kGranule = 512;

  /// `bound` in bytes, at least one granule. The calling thread's device must be `device`.
  MemoryPool(int device, std::int64_t bound);
  MemoryPool(const MemoryPool&) = delete;
  MemoryPool& operator=(const MemoryPool&) = delete;

  /// Uninitialised, aligned to 256 bytes, valid for work on `stream` from here on and for other streams once they wait
  /// for it. Null for zero bytes. Throws OutOfMemory with asked, used and bound, whether the bound or the device
  /// refused.
  [[nodiscard]] void* allocate(std::int64_t bytes, cudaStream_t stream);
  /// The memory is free once `stream` gets there. `bytes` as asked for.
  void release(void* pointer, std::int64_t bytes, cudaStream_t stream) noexcept;

  [[nodiscard]] std::int64_t bound() const noexcept { return bound_; }
  [[nodiscard]] std::int64_t used() const noexcept { return used_; }
  /// Bytes that may still be allocated.
  [[nodiscard]] std::int64_t available() const noexcept { return bound_ - used_; }
  /// Highest `used()` since construction or the last reset.
  [[nodiscard]] std::int64_t peak() const noexcept { return peak_; }
  void reset_peak() noexcept { peak_ = used_.load(); }
  /// Number of allocations so far: a steady state adds none.
  [[nodiscard]] std::int64_t allocations() const noexcept { return allocations_; }
  /// Gives what is cached back to the device. Synchronises with nothing: memory still in use stays.
  void trim();

 private:
  int device_;
  std::int64_t bound_;
  Handle<cudaMemPool_t, &cudaMemPoolDestroy> pool_;
  std::atomic<std::int64_t> used_{0};
  std::atomic<std::int64_t> peak_{0};
  std::atomic<std::int64_t> allocations_{0};
};

}  // namespace twinpatch::cuda
