// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

// The one place from which kernels are launched: every launch is checked, named and may be empty. Through the runtime's
// cudaLaunchKernelEx rather than the <<<…>>> syntax, so that a plain C++ compiler reads it too (tests/simt).

namespace twinpatch::cuda {

struct GridSize {
  std::int64_t x = 1;
  std::int64_t y = 1;
  std::int64_t z = 1;
};

struct LaunchShape {
  GridSize grid;            ///< blocks; zero in any direction: nothing to do
  dim3 block = dim3(256);   ///< threads
  std::int64_t shared = 0;  ///< dynamic shared memory, bytes; beyond 48 KiB the kernel is told so first
};

/// Blocks of `per_block` items that cover `items`; at most `most`, for grid-stride loops, which take the rest.
[[nodiscard]] inline std::int64_t blocks_for(std::int64_t items, std::int64_t per_block,
                                             std::int64_t most = INT64_MAX) {
  const std::int64_t blocks = items / per_block + (items % per_block != 0 ? 1 : 0);
  return blocks < most ? blocks : most;
}

namespace detail {
/// Throws InvalidArgument, naming the kernel, for a shape no device takes.
cudaLaunchConfig_t launch_config(cudaStream_t stream, const LaunchShape& shape, const char* name);
void check_launch(cudaError_t code, const char* name, const LaunchShape& shape);
void allow_shared(const void* kernel, const char* name, std::int64_t bytes);
}  // namespace detail

/// Does not synchronise. Returns without a launch where the grid is empty. Throws DeviceError (OutOfMemory) with the
/// kernel's name and shape; faults inside the kernel show at a later call, as always with CUDA.
template <class... Parameters, class... Arguments>
void launch(cudaStream_t stream, const LaunchShape& shape, const char* name, void (*kernel)(Parameters...),
            Arguments&&... arguments) {
  if (shape.grid.x == 0 || shape.grid.y == 0 || shape.grid.z == 0) return;
  if (shape.shared > 48 * 1024) detail::allow_shared(reinterpret_cast<const void*>(kernel), name, shape.shared);
  const cudaLaunchConfig_t config = detail::launch_config(stream, shape, name);
  detail::check_launch(cudaLaunchKernelEx(&config, kernel, static_cast<Arguments&&>(arguments)...), name, shape);
}

}  // namespace twinpatch::cuda
