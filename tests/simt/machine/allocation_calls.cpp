// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <stdexcept>

#include "machine.hpp"

using simt::Allocation;
using simt::api;
using simt::Call;
using simt::Operation;
using simt::quiet_api;
using simt::refuse;
using simt::State;

namespace {

/// Counts `bytes` on a device; false where it has not that much left.
bool take(State& machine, int device, std::size_t bytes) {
  simt::Device& owner = machine.devices[static_cast<std::size_t>(device)];
  const auto asked = static_cast<std::int64_t>(bytes);
  if (asked < 0 || asked > machine.options.memory - owner.used) return false;
  owner.used += asked;
  machine.statistics.peak_memory = std::max(machine.statistics.peak_memory, owner.used);
  ++machine.statistics.device_allocations;
  return true;
}

void give_back(State& machine, const Allocation& allocation) {
  machine.devices[static_cast<std::size_t>(allocation.device)].used -= static_cast<std::int64_t>(allocation.bytes);
}

cudaMemPool_t pool_of(State& machine, std::uint64_t id) {
  for (const cudaMemPool_t pool : machine.pools) {
    if (pool->id == id) return pool;
  }
  return nullptr;
}

}  // namespace

// ---- device memory

cudaError_t cudaMalloc(void** pointer, std::size_t bytes) {
  return api(Call::device_allocation, [&](State& machine) {
    if (simt::spoils_capture(machine)) return cudaErrorStreamCaptureUnsupported;
    *pointer = nullptr;
    if (bytes == 0) return cudaSuccess;
    if (!take(machine, simt::current_device(), bytes)) return cudaErrorMemoryAllocation;
    Allocation* allocation = machine.memory.reserve(bytes, simt::current_device());
    if (allocation == nullptr) return cudaErrorMemoryAllocation;
    machine.memory.make_live(*allocation);
    *pointer = allocation->start;
    return cudaSuccess;
  });
}

cudaError_t cudaFree(void* pointer) {
  if (pointer == nullptr) return cudaSuccess;
  const cudaError_t idle = cudaDeviceSynchronize();  // as the runtime does
  return quiet_api([&](State& machine) {
    Allocation* allocation = machine.memory.find(pointer);
    if (allocation == nullptr || allocation->start != pointer || allocation->released || allocation->device < 0) {
      return refuse(machine, cudaErrorInvalidValue, "cudaFree: " + machine.memory.describe(pointer));
    }
    give_back(machine, *allocation);
    machine.memory.discard(*allocation);
    return idle;
  });
}

cudaError_t cudaMallocFromPoolAsync(void** pointer, std::size_t bytes, cudaMemPool_t pool, cudaStream_t stream) {
  return api(Call::device_allocation, [&](State& machine) -> cudaError_t {
    if (!is_stream(machine, stream) || !machine.pools.contains(pool)) {
      return refuse(machine, cudaErrorInvalidResourceHandle, "an allocation without stream or pool");
    }
    if (stream->capture != nullptr) {
      // CUDA would make it a node of the graph; twinpatch plans its memory before.
      stream->capture->invalid = true;
      return refuse(machine, cudaErrorStreamCaptureUnsupported, "an allocation is captured");
    }
    *pointer = nullptr;
    if (bytes == 0) return cudaErrorInvalidValue;
    if (!take(machine, pool->device, bytes)) return cudaErrorMemoryAllocation;
    Allocation* allocation = machine.memory.reserve(bytes, pool->device);
    if (allocation == nullptr) return cudaErrorMemoryAllocation;
    allocation->pool = pool->id;
    pool->used += static_cast<std::int64_t>(bytes);
    pool->high = std::max(pool->high, pool->used);
    Operation operation;
    operation.kind = Operation::Kind::memory;
    operation.name = "allocation";
    operation.device = pool->device;
    operation.run = [&machine, allocation] { machine.memory.make_live(*allocation); };
    simt::submit(machine, stream, std::move(operation));
    *pointer = allocation->start;
    return cudaSuccess;
  });
}

cudaError_t cudaMallocAsync(void** pointer, std::size_t bytes, cudaStream_t stream) {
  cudaMemPool_t pool = nullptr;
  const cudaError_t code = cudaDeviceGetDefaultMemPool(&pool, simt::current_device());
  return code != cudaSuccess ? code : cudaMallocFromPoolAsync(pointer, bytes, pool, stream);
}

cudaError_t cudaFreeAsync(void* pointer, cudaStream_t stream) {
  if (pointer == nullptr) return cudaSuccess;
  return api(Call::any, [&](State& machine) {
    Allocation* allocation = machine.memory.find(pointer);
    if (!is_stream(machine, stream) || allocation == nullptr || allocation->start != pointer || allocation->released ||
        allocation->pool == 0) {
      return refuse(machine, cudaErrorInvalidValue, "cudaFreeAsync: " + machine.memory.describe(pointer));
    }
    allocation->released = true;
    give_back(machine, *allocation);
    if (cudaMemPool_t pool = pool_of(machine, allocation->pool))
      pool->used -= static_cast<std::int64_t>(allocation->bytes);
    Operation operation;
    operation.kind = Operation::Kind::memory;
    operation.name = "deallocation";
    operation.device = allocation->device;
    operation.run = [&machine, allocation] { machine.memory.discard(*allocation); };
    simt::submit(machine, stream, std::move(operation));
    return cudaSuccess;
  });
}

// ---- pinned memory

cudaError_t cudaHostAlloc(void** pointer, std::size_t bytes, unsigned int) {
  return api(Call::host_allocation, [&](State& machine) {
    if (simt::spoils_capture(machine)) return cudaErrorStreamCaptureUnsupported;
    *pointer = nullptr;
    if (bytes == 0) return cudaSuccess;
    Allocation* allocation = machine.memory.reserve(bytes, -1);
    if (allocation == nullptr) return cudaErrorMemoryAllocation;
    machine.memory.make_live(*allocation);
    ++machine.statistics.host_allocations;
    *pointer = allocation->start;
    return cudaSuccess;
  });
}

cudaError_t cudaMallocHost(void** pointer, std::size_t bytes) { return cudaHostAlloc(pointer, bytes, 0); }

cudaError_t cudaFreeHost(void* pointer) {
  if (pointer == nullptr) return cudaSuccess;
  State& machine = simt::state();
  const std::lock_guard guard(machine.lock);  // also on a lost device
  Allocation* allocation = machine.memory.find(pointer);
  if (allocation == nullptr || allocation->start != pointer || allocation->released || allocation->device >= 0) {
    return simt::last_error() =
               refuse(machine, cudaErrorInvalidValue, "cudaFreeHost: " + machine.memory.describe(pointer));
  }
  // Copies still under way will fault: the host must wait for them first.
  try {
    machine.memory.discard(*allocation);
  } catch (const std::runtime_error& error) {
    return simt::last_error() = refuse(machine, cudaErrorInvalidValue, error.what());
  }
  return cudaSuccess;
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer) {
  return quiet_api([&](State& machine) {
    *attributes = {cudaMemoryTypeUnregistered, -2, nullptr, nullptr};
    const Allocation* allocation = machine.memory.find(pointer);
    if (allocation == nullptr || allocation->released) return cudaSuccess;
    auto* address = const_cast<void*>(pointer);
    if (allocation->device < 0) {
      *attributes = {cudaMemoryTypeHost, simt::current_device(), address, address};
    } else {
      *attributes = {cudaMemoryTypeDevice, allocation->device, address, nullptr};
    }
    return cudaSuccess;
  });
}

cudaError_t cudaMemGetInfo(std::size_t* free_bytes, std::size_t* total_bytes) {
  return quiet_api([&](State& machine) {
    *total_bytes = static_cast<std::size_t>(machine.options.memory);
    *free_bytes =
        *total_bytes - static_cast<std::size_t>(machine.devices[static_cast<std::size_t>(simt::current_device())].used);
    return cudaSuccess;
  });
}

// ---- pools

cudaError_t cudaMemPoolCreate(cudaMemPool_t* pool, const cudaMemPoolProps* properties) {
  return quiet_api([&](State& machine) {
    if (properties->location.id < 0 || properties->location.id >= machine.options.devices)
      return cudaErrorInvalidDevice;
    *pool = new CUmemPoolHandle_st{properties->location.id, machine.next_pool++, 0, 0, 0};
    machine.pools.insert(*pool);
    return cudaSuccess;
  });
}

cudaError_t cudaMemPoolDestroy(cudaMemPool_t pool) {
  State& machine = simt::state();
  const std::lock_guard guard(machine.lock);
  if (machine.pools.erase(pool) == 0) return simt::last_error() = cudaErrorInvalidValue;
  delete pool;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int device) {
  return quiet_api([&](State& machine) {
    auto& kept = machine.default_pools[device];
    if (kept == nullptr) {
      kept = std::make_unique<CUmemPoolHandle_st>(CUmemPoolHandle_st{device, machine.next_pool++, 0, 0, 0});
      machine.pools.insert(kept.get());
    }
    *pool = kept.get();
    return cudaSuccess;
  });
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value) {
  return quiet_api([&](State& machine) {
    if (!machine.pools.contains(pool)) return cudaErrorInvalidValue;
    if (attribute == cudaMemPoolAttrReleaseThreshold) pool->threshold = *static_cast<std::uint64_t*>(value);
    if (attribute == cudaMemPoolAttrUsedMemHigh) pool->high = pool->used;
    return cudaSuccess;
  });
}

cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value) {
  return quiet_api([&](State& machine) {
    if (!machine.pools.contains(pool)) return cudaErrorInvalidValue;
    auto& number = *static_cast<std::uint64_t*>(value);
    if (attribute == cudaMemPoolAttrReleaseThreshold) number = pool->threshold;
    if (attribute == cudaMemPoolAttrUsedMemCurrent) number = static_cast<std::uint64_t>(pool->used);
    if (attribute == cudaMemPoolAttrUsedMemHigh) number = static_cast<std::uint64_t>(pool->high);
    return cudaSuccess;
  });
}

cudaError_t cudaMemPoolTrimTo(cudaMemPool_t pool, std::size_t) {
  return quiet_api([&](State& machine) { return machine.pools.contains(pool) ? cudaSuccess : cudaErrorInvalidValue; });
}
