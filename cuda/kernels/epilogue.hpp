// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "runtime/number_type.hpp"

namespace twinpatch::cuda::kernels {

/// What follows a matrix product, where the library does not fuse it: values[i, j] + bias[j], then ReLU of it.
struct Epilogue {
  const void* bias = nullptr;  ///< [columns], null: none
  bool relu = false;
};
/// A matrix on the device, row-major.
struct OutputMatrix {
  void* values = nullptr;
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t stride = 0;  ///< elements from one row to the next
};
/// In place; values and bias are of `type`. Enqueued.
void apply_epilogue(cudaStream_t stream, NumberType type, Epilogue epilogue, OutputMatrix matrix);

}  // namespace twinpatch::cuda::kernels
