// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <source_location>
#include <string>

#include "twinpatch/core/error.hpp"

namespace twinpatch::cuda {

/// Throws OutOfMemory for cudaErrorMemoryAllocation, DeviceError for all else: expression, symbolic name, the driver's
/// words, file and line. Clears the error first (cudaGetLastError), so that a caller who handles it starts clean; an
/// error that has cost the context its life cannot be cleared and is said to be one.
[[noreturn]] void throw_error(cudaError_t code, const char* expression, std::source_location where);

/// Throws `message` as the type that belongs to `code`, after clearing the error.
[[noreturn]] void throw_as(cudaError_t code, const std::string& message);

inline void check(cudaError_t code, const char* expression,
                  std::source_location where = std::source_location::current()) {
  if (code != cudaSuccess) [[unlikely]]
    throw_error(code, expression, where);
}

/// Whether every later call on this device will fail too: a kernel fault, an uncorrectable memory error, a lost card.
[[nodiscard]] bool is_fatal(cudaError_t code) noexcept;

/// "cudaErrorMemoryAllocation (2): out of memory".
[[nodiscard]] std::string describe(cudaError_t code);

}  // namespace twinpatch::cuda

/// Evaluates once; the type of the status selects the overload, so that one macro serves CUDA, cuBLAS and cuDNN.
#define TWINPATCH_CUDA_CHECK(expression) ::twinpatch::cuda::check((expression), #expression)
