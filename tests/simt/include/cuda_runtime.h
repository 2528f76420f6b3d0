// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "cuda_runtime_api.h"
#include "simt/device.hpp"

// Kernels as plain C++ functions: see simt/device.hpp for what they may use.

namespace simt::detail {

/// Puts a kernel with its arguments (already copied) into a stream. `pointers` are those among the arguments.
cudaError_t submit_kernel(const cudaLaunchConfig_t& config, const void* kernel, std::function<void()> thread,
                          const void* const* pointers, int pointer_count);

}  // namespace simt::detail

template <class... Parameters, class... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...),
                               Arguments&&... arguments) {
  static_assert(sizeof...(Parameters) == sizeof...(Arguments));
  std::tuple<std::remove_cv_t<Parameters>...> copies(static_cast<Parameters>(std::forward<Arguments>(arguments))...);
  const void* pointers[sizeof...(Parameters) + 1] = {};
  int count = 0;
  std::apply(
      [&](const auto&... values) {
        const auto note = [&](const auto& value) {
          using Type = std::decay_t<decltype(value)>;
          if constexpr (std::is_pointer_v<Type> && !std::is_function_v<std::remove_pointer_t<Type>>) {
            pointers[count++] = value;
          }
        };
        (note(values), ...);
      },
      copies);
  return simt::detail::submit_kernel(
      *config, reinterpret_cast<const void*>(kernel), [kernel, copies] { std::apply(kernel, copies); }, pointers,
      count);
}

template <class T>
cudaError_t cudaMalloc(T** pointer, std::size_t bytes) {
  return cudaMalloc(reinterpret_cast<void**>(pointer), bytes);
}
template <class T>
cudaError_t cudaFuncSetAttribute(T* kernel, cudaFuncAttribute attribute, int value) {
  return cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), attribute, value);
}
template <class T>
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, T* kernel) {
  return cudaFuncGetAttributes(attributes, reinterpret_cast<const void*>(kernel));
}
template <class T>
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, T* kernel, int threads, std::size_t shared) {
  return cudaOccupancyMaxActiveBlocksPerMultiprocessor(blocks, reinterpret_cast<const void*>(kernel), threads, shared);
}
