// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cublasLt.h>
#include <cudnn.h>

#include <source_location>

#include "runtime/check.hpp"

namespace twinpatch::cuda {

/// Both throw DeviceError, or OutOfMemory where the library could not allocate: expression, symbolic name, the
/// library's own last words, file and line.
[[noreturn]] void throw_error(cudnnStatus_t code, const char* expression, std::source_location where);
[[noreturn]] void throw_error(cublasStatus_t code, const char* expression, std::source_location where);

// Overloads behind TWINPATCH_CUDA_CHECK: the type of the status selects.
inline void check(cudnnStatus_t code, const char* expression,
                  std::source_location where = std::source_location::current()) {
  if (code != CUDNN_STATUS_SUCCESS) [[unlikely]]
    throw_error(code, expression, where);
}
inline void check(cublasStatus_t code, const char* expression,
                  std::source_location where = std::source_location::current()) {
  if (code != CUBLAS_STATUS_SUCCESS) [[unlikely]]
    throw_error(code, expression, where);
}

/// What cuDNN last had to say on this thread, in one line; empty if nothing.
[[nodiscard]] std::string last_words();

}  // namespace twinpatch::cuda
