// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime.h>

#include "grid.hpp"
#include "machine.hpp"
#include "symbols.hpp"

using simt::api;
using simt::Call;
using simt::quiet_api;
using simt::refuse;
using simt::State;

namespace {

constexpr std::int64_t kSharedByDefault = 48 * 1024;
constexpr std::int64_t kSharedAtMost = 227 * 1024;

bool is_shape(const cudaLaunchConfig_t& config) {
  const dim3& g = config.gridDim;
  const dim3& b = config.blockDim;
  return g.x > 0 && g.y > 0 && g.z > 0 && g.x <= 0x7FFFFFFFu && g.y <= 65535 && g.z <= 65535 && b.x > 0 && b.y > 0 &&
         b.z > 0 && b.x <= 1024 && b.y <= 1024 && b.z <= 64 && std::uint64_t{b.x} * b.y * b.z <= 1024;
}

}  // namespace

namespace simt::detail {

cudaError_t submit_kernel(const cudaLaunchConfig_t& config, const void* kernel, std::function<void()> thread,
                          const void* const* pointers, int pointer_count) {
  return api(Call::launch, [&](State& machine) -> cudaError_t {
    if (!is_stream(machine, config.stream) || config.stream->device != current_device()) {
      return refuse(machine, cudaErrorInvalidResourceHandle, "a launch without a stream, or on another device's");
    }
    if (!machine.options.kernel_image) return cudaErrorNoKernelImageForDevice;
    if (!is_shape(config)) return refuse(machine, cudaErrorInvalidConfiguration, "a launch of no possible shape");
    const auto limit = machine.shared_limits.find(kernel);
    if (static_cast<std::int64_t>(config.dynamicSmemBytes) >
        (limit == machine.shared_limits.end() ? kSharedByDefault : limit->second)) {
      return refuse(machine, cudaErrorInvalidValue, "more shared memory than the kernel was allowed");
    }
    for (int i = 0; i < pointer_count; ++i) {
      // A null pointer may be an option not taken; what is not null must be the device's, or pinned.
      const void* pointer = pointers[i];
      if (pointer == nullptr) continue;
      const Allocation* allocation = machine.memory.find(pointer);
      const bool one_past = allocation == nullptr && machine.memory.is_ours(pointer);
      if (one_past || (allocation != nullptr && !allocation->released)) continue;
      return refuse(machine, cudaErrorInvalidValue, "a kernel's argument: " + machine.memory.describe(pointer));
    }
    Operation operation;
    operation.kind = Operation::Kind::kernel;
    operation.device = config.stream->device;
    operation.name = function_name(kernel);
    GridLaunch launch{function_name(kernel), config.gridDim, config.blockDim, config.dynamicSmemBytes,
                      std::move(thread)};
    operation.run = [&machine, launch = std::move(launch)] { run_grid(launch, machine.random); };
    submit(machine, config.stream, std::move(operation));
    return cudaSuccess;
  });
}

}  // namespace simt::detail

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* kernel) {
  return quiet_api([&](State& machine) {
    if (!machine.options.kernel_image) return cudaErrorNoKernelImageForDevice;
    *attributes = {};
    attributes->maxThreadsPerBlock = 1024;
    attributes->binaryVersion = 10 * machine.options.capability_major + machine.options.capability_minor;
    const auto limit = machine.shared_limits.find(kernel);
    attributes->maxDynamicSharedSizeBytes =
        static_cast<int>(limit == machine.shared_limits.end() ? kSharedByDefault : limit->second);
    return cudaSuccess;
  });
}

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  return quiet_api([&](State& machine) {
    if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;
    if (value < 0 || value > kSharedAtMost)
      return refuse(machine, cudaErrorInvalidValue, "more shared memory than there is");
    machine.shared_limits[kernel] = value;
    return cudaSuccess;
  });
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void*, int threads, std::size_t shared) {
  return quiet_api([&](State&) {
    const auto by_shared = shared == 0 ? 32 : static_cast<int>(kSharedAtMost / static_cast<std::int64_t>(shared));
    *blocks = threads <= 0 ? 0 : std::min(2048 / threads, by_shared);
    return cudaSuccess;
  });
}
