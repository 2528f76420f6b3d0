// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "runtime/number_type.hpp"

namespace twinpatch::cuda {

/// out = relu(alpha · left · right + beta · out + bias), row-major, `batch` times.
struct MatrixProductRequest {
  std::int64_t rows = 0;     ///< of left and out
  std::int64_t inner = 0;    ///< columns of left, rows of right
  std::int64_t columns = 0;  ///< of right and out
  /// right is stored as its transpose, [columns, inner] row-major: weights of a linear layer [out, in], or descriptors
  /// of the right-hand side of a grid.
  bool right_transposed = false;
  /// Elements from one stored row to the next; 0: no gap.
  std::int64_t left_stride = 0;
  std::int64_t right_stride = 0;
  std::int64_t out_stride = 0;
  std::int64_t batch = 1;
  /// Elements from one matrix of the batch to the next; 0: the same matrix each time (out: no gap).
  std::int64_t left_batch_stride = 0;
  std::int64_t right_batch_stride = 0;
  std::int64_t out_batch_stride = 0;
  bool bias = false;  ///< one value a column, added after alpha and beta
  bool relu = false;  ///< after the bias
  /// fp32: no TF32 anywhere. tf32: float storage, TF32 products. fp16, bf16: storage, with sums in fp32.
  Precision precision = Precision::fp32;
  /// Storage of out and bias: fp32, or that of the precision. fp32 keeps the sums as they are.
  NumberType out = NumberType::fp32;
  /// What each pointer, and the distance between rows there, is a multiple of, in bytes; 0: up to 16, as the strides
  /// are, of memory that begins at a multiple of 256.
  int left_alignment = 0;
  int right_alignment = 0;
  int out_alignment = 0;
  std::int64_t workspace_limit = std::int64_t{32} << 20;  ///< in bytes

  /// Throws ShapeError or InvalidArgument: a size below 1, a stride shorter than its row or not of its alignment,
  /// beyond what the library counts.
  void validate() const;
  friend bool operator==(const MatrixProductRequest&, const MatrixProductRequest&) = default;
};

/// The request with every stride and alignment that was 0 filled in.
[[nodiscard]] MatrixProductRequest completed(MatrixProductRequest request);
/// What a pointer and distances in bytes are multiples of, at most 16.
[[nodiscard]] int alignment_of(const void* pointer, std::int64_t stride_bytes);
/// In one line, for messages: "4096x512 · (100000x512)ᵀ fp16 → fp32".
[[nodiscard]] std::string to_text(const MatrixProductRequest& request);

}  // namespace twinpatch::cuda
