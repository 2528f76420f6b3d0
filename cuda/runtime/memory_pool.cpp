// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "runtime/memory_pool.hpp"

#include <fmt/format.h>

#include "runtime/check.hpp"
#include "twinpatch/core/checked.hpp"
#include "twinpatch/core/units.hpp"

namespace twinpatch::cuda {

MemoryPool::MemoryPool(int device, std::int64_t bound) : device_(device), bound_(bound) {
  if (bound < kGranule) throw InvalidArgument(fmt::format("a bound of {} bytes on device memory is too small", bound));
  cudaMemPoolProps properties = {};
  properties.allocType = cudaMemAllocationTypePinned;
  properties.handleTypes = cudaMemHandleTypeNone;
  properties.location.type = cudaMemLocationTypeDevice;
  properties.location.id = device;
  cudaMemPool_t pool = nullptr;
  TWINPATCH_CUDA_CHECK(cudaMemPoolCreate(&pool, &properties));
  pool_.reset(pool);
  // By default memory goes back to the device at every synchronisation, and is mapped anew at the next allocation.
  std::uint64_t keep_all = UINT64_MAX;
  TWINPATCH_CUDA_CHECK(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep_all));
}

void* MemoryPool::allocate(std::int64_t bytes, cudaStream_t stream) {
  if (bytes < 0) throw InvalidArgument("negative size of device memory");
  if (bytes == 0) return nullptr;
  const std::int64_t granules = checked_add(bytes, kGranule - 1) / kGranule * kGranule;
  std::int64_t used = used_;
  do {
    if (granules > bound_ - used) {
      throw OutOfMemory(fmt::format("CUDA device {}: out of memory: asked for {}, {} of {} in use", device_,
                                    format_bytes(granules), format_bytes(used), format_bytes(bound_)));
    }
  } while (!used_.compare_exchange_weak(used, used + granules));
  void* pointer = nullptr;
  const cudaError_t code = cudaMallocFromPoolAsync(&pointer, static_cast<std::size_t>(bytes), pool_.get(), stream);
  if (code != cudaSuccess) {
    used_ -= granules;
    throw_as(code, fmt::format("CUDA device {}: cannot allocate {}, {} of the run's {} in use: {}", device_,
                               format_bytes(granules), format_bytes(used), format_bytes(bound_), describe(code)));
  }
  ++allocations_;
  const std::int64_t now = used + granules;
  std::int64_t peak = peak_;
  while (peak < now && !peak_.compare_exchange_weak(peak, now)) {
  }
  return pointer;
}

void MemoryPool::release(void* pointer, std::int64_t bytes, cudaStream_t stream) noexcept {
  if (pointer == nullptr) return;
  (void)cudaFreeAsync(pointer, stream);
  used_ -= (bytes + kGranule - 1) / kGranule * kGranule;
}

void MemoryPool::trim() { TWINPATCH_CUDA_CHECK(cudaMemPoolTrimTo(pool_.get(), 0)); }

}  // namespace twinpatch::cuda
