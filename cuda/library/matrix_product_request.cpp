// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "library/matrix_product_request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "twinpatch/core/checked.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch::cuda {
namespace {

void check_size(const char* what, std::int64_t value) {
  // cuBLASLt keeps rows and columns of a layout in 64 bits but its kernels count them in 32.
  if (value < 1 || value > std::numeric_limits<std::int32_t>::max()) {
    throw ShapeError(fmt::format("matrix product: {} {}, expected 1 to 2147483647", value, what));
  }
}

void check_stride(const char* what, std::int64_t stride, std::int64_t length) {
  if (stride < length) {
    throw ShapeError(fmt::format("matrix product: rows of {} are {} apart and {} long", what, stride, length));
  }
}

void check_alignment(const char* what, int alignment, NumberType type, std::int64_t stride) {
  if (alignment < size_of(type) || (alignment & (alignment - 1)) != 0) {
    throw InvalidArgument(
        fmt::format("matrix product: alignment {} of {}, expected a power of two of a whole number", alignment, what));
  }
  if (stride * size_of(type) % alignment != 0) {
    throw InvalidArgument(fmt::format("matrix product: rows of {} are {} bytes apart, not a multiple of {}", what,
                                      stride * size_of(type), alignment));
  }
}

}  // namespace

int alignment_of(const void* pointer, std::int64_t stride_bytes) {
  int alignment = 16;
  while (reinterpret_cast<std::uintptr_t>(pointer) % static_cast<std::uintptr_t>(alignment) != 0 ||
         stride_bytes % alignment != 0) {
    alignment /= 2;
  }
  return alignment;
}

MatrixProductRequest completed(MatrixProductRequest request) {
  if (request.left_stride == 0) request.left_stride = request.inner;
  if (request.right_stride == 0) request.right_stride = request.right_transposed ? request.inner : request.columns;
  if (request.out_stride == 0) request.out_stride = request.columns;
  if (request.out_batch_stride == 0) request.out_batch_stride = checked_multiply(request.rows, request.out_stride);
  const std::int64_t bytes = size_of(storage_of(request.precision));
  const auto complete = [](int& alignment, std::int64_t stride_bytes, std::int64_t batch_bytes) {
    if (alignment == 0) alignment = std::min(alignment_of(nullptr, stride_bytes), alignment_of(nullptr, batch_bytes));
  };
  complete(request.left_alignment, request.left_stride * bytes, request.left_batch_stride * bytes);
  complete(request.right_alignment, request.right_stride * bytes, request.right_batch_stride * bytes);
  const std::int64_t out_bytes = size_of(request.out);
  complete(request.out_alignment, request.out_stride * out_bytes, request.out_batch_stride * out_bytes);
  return request;
}

void MatrixProductRequest::validate() const {
  check_size("rows", rows);
  check_size("inner", inner);
  check_size("columns", columns);
  check_size("products", batch);
  const MatrixProductRequest full = completed(*this);
  check_stride("the left matrix", full.left_stride, inner);
  check_stride("the right matrix", full.right_stride, right_transposed ? inner : columns);
  check_stride("the result", full.out_stride, columns);
  if (left_batch_stride < 0 || right_batch_stride < 0 || out_batch_stride < 0) {
    throw ShapeError("matrix product: matrices of a batch lie a negative distance apart");
  }
  if (batch > 1 && full.out_batch_stride < checked_add(checked_multiply(rows - 1, full.out_stride), columns)) {
    throw ShapeError(fmt::format("matrix product: results are {} apart and overlap", full.out_batch_stride));
  }
  if (out != NumberType::fp32 && out != storage_of(precision)) {
    throw InvalidArgument(fmt::format("matrix product in {}: the result is fp32 or the same, not {}",
                                      twinpatch::to_string(precision), to_string(out)));
  }
  const NumberType type = storage_of(precision);
  check_alignment("the left matrix", full.left_alignment, type, full.left_stride);
  check_alignment("the right matrix", full.right_alignment, type, full.right_stride);
  check_alignment("the result", full.out_alignment, out, full.out_stride);
  if (workspace_limit < 0) throw InvalidArgument("a matrix product's workspace cannot be negative");
  (void)checked_multiply(checked_multiply(rows, full.left_stride), 4);
  (void)checked_multiply(checked_multiply(right_transposed ? columns : inner, full.right_stride), 4);
  (void)checked_multiply(checked_multiply(batch, full.out_batch_stride), 4);
}

std::string to_text(const MatrixProductRequest& request) {
  std::string right = request.right_transposed ? fmt::format("({}x{})ᵀ", request.columns, request.inner)
                                               : fmt::format("{}x{}", request.inner, request.columns);
  return fmt::format("{}{}x{} · {} {} → {}", request.batch > 1 ? fmt::format("{} times ", request.batch) : "",
                     request.rows, request.inner, right, twinpatch::to_string(request.precision),
                     to_string(request.out));
}

}  // namespace twinpatch::cuda
