// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "runtime/check.hpp"
#include "runtime/launch.cuh"

namespace twinpatch::cuda::detail {
namespace {

std::string describe_shape(const LaunchShape& shape) {
  return fmt::format("grid {}x{}x{}, block {}x{}x{}, {} bytes shared", shape.grid.x, shape.grid.y, shape.grid.z,
                     shape.block.x, shape.block.y, shape.block.z, shape.shared);
}

}  // namespace

cudaLaunchConfig_t launch_config(cudaStream_t stream, const LaunchShape& shape, const char* name) {
  constexpr std::int64_t kMostX = 2147483647;
  constexpr std::int64_t kMostYZ = 65535;
  const std::int64_t threads = std::int64_t{shape.block.x} * shape.block.y * shape.block.z;
  if (shape.grid.x < 0 || shape.grid.y < 0 || shape.grid.z < 0 || shape.grid.x > kMostX || shape.grid.y > kMostYZ ||
      shape.grid.z > kMostYZ || threads < 1 || threads > 1024 || shape.shared < 0) {
    throw InvalidArgument(fmt::format("kernel {}: no device takes {}", name, describe_shape(shape)));
  }
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(static_cast<unsigned>(shape.grid.x), static_cast<unsigned>(shape.grid.y),
                        static_cast<unsigned>(shape.grid.z));
  config.blockDim = shape.block;
  config.dynamicSmemBytes = static_cast<std::size_t>(shape.shared);
  config.stream = stream;
  return config;
}

void check_launch(cudaError_t code, const char* name, const LaunchShape& shape) {
  const cudaError_t pending = cudaGetLastError();
  if (code == cudaSuccess) code = pending;
  if (code == cudaSuccess) return;
  throw_as(code, fmt::format("CUDA: {}cannot launch kernel {} ({}): {}", is_fatal(code) ? "the device is lost: " : "",
                             name, describe_shape(shape), describe(code)));
}

void allow_shared(const void* kernel, const char* name, std::int64_t bytes) {
  const cudaError_t code =
      cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes));
  if (code == cudaSuccess) return;
  throw_as(code, fmt::format("CUDA: kernel {} cannot have {} bytes of shared memory: {}", name, bytes, describe(code)));
}

}  // namespace twinpatch::cuda::detail
