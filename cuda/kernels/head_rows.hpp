// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "runtime/number_type.hpp"

namespace twinpatch::cuda::kernels {

/// How rows of a head become operands: weights go into the rows, |w| · max(p + q, 0) = max(|w| p + |w| q, 0), and are
/// sorted by their sign, either sort filled up with zeros to a multiple of 32. Rows that are compared by l1 likewise
/// (plan/head_fold.hpp).
struct HeadFold {
  const std::int32_t* source = nullptr;  ///< [length]: number of the row, −1 for zero
  const float* weight = nullptr;         ///< [length]: its factor
  std::int64_t length = 0;
  std::int64_t row_length = 0;  ///< before
};
struct FoldedRows {
  NumberType type;
  void* operand;  ///< [count, fold.length]
  float* norms;   ///< [count]: at least ‖operand‖₁
};
/// rows [count, fold.row_length].
void fold_rows(cudaStream_t stream, const float* rows, std::int64_t count, const HeadFold& fold, FoldedRows out);

}  // namespace twinpatch::cuda::kernels
