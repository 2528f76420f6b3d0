// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "library/matrix_product.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "numbers.hpp"
#include "runtime/launch.cuh"
#include "stand_in.hpp"
#include "twinpatch/core/checked.hpp"

// The interface of cuda/library/matrix_product.hpp by reference code; see convolution.cpp beside it.

namespace twinpatch::cuda {
namespace {

constexpr std::int64_t kRows = 16;     // of the result a block computes
constexpr std::int64_t kColumns = 64;  // it computes at a time

/// Columns [first, first + count) of the right matrix as factors, [inner, kColumns].
void load_right(const MatrixProductRequest& job, const void* right, std::int64_t matrix, std::int64_t first,
                std::int64_t count, std::vector<float>& panel) {
  const NumberType type = storage_of(job.precision);
  for (std::int64_t k = 0; k < job.inner; ++k) {
    for (std::int64_t j = 0; j < count; ++j) {
      const std::int64_t at =
          job.right_transposed ? (first + j) * job.right_stride + k : k * job.right_stride + first + j;
      panel[static_cast<std::size_t>(k * kColumns + j)] =
          stand_in::factor(right, matrix * job.right_batch_stride + at, job.precision, type);
    }
  }
}

/// out = relu(alpha · left · right + beta · out + bias). Block (x, y): rows [16 x, 16 x + 16) of matrix y.
__global__ void stand_in_matrix_product(MatrixProductRequest job, const void* left, const void* right, const void* bias,
                                        void* out, float alpha, float beta) {
  const NumberType type = storage_of(job.precision);
  const std::int64_t matrix = blockIdx.y;
  const std::int64_t begin = blockIdx.x * kRows;
  const std::int64_t end = std::min(job.rows, begin + kRows);
  std::vector<float> panel(static_cast<std::size_t>(job.inner * kColumns));
  std::array<float, kColumns> sums{};
  for (std::int64_t first = 0; first < job.columns; first += kColumns) {
    const std::int64_t count = std::min(kColumns, job.columns - first);
    load_right(job, right, matrix, first, count, panel);
    for (std::int64_t row = begin; row < end; ++row) {
      sums.fill(0.0F);
      for (std::int64_t k = 0; k < job.inner; ++k) {
        const std::int64_t at = matrix * job.left_batch_stride + row * job.left_stride + k;
        const float value = stand_in::factor(left, at, job.precision, type);
        for (std::size_t j = 0; j < sums.size(); ++j)
          sums[j] += value * panel[static_cast<std::size_t>(k) * kColumns + j];
      }
      for (std::int64_t j = 0; j < count; ++j) {
        const std::int64_t at = matrix * job.out_batch_stride + row * job.out_stride + first + j;
        float value = alpha * sums[static_cast<std::size_t>(j)];
        if (beta != 0.0F) value += beta * stand_in::load(out, at, job.out);  // else not read: it may be poisoned
        if (job.bias) value += stand_in::load(bias, first + j, job.out);
        if (job.relu && value < 0.0F) value = 0.0F;
        stand_in::store(out, at, value, job.out);
      }
    }
  }
}

}  // namespace

struct MatrixProduct::State {
  MatrixProductRequest request;
  int device = 0;
};

MatrixProduct::MatrixProduct(Libraries& libraries, const MatrixProductRequest& request)
    : state_(std::make_unique<State>()) {
  request.validate();
  state_->request = completed(request);
  state_->device = libraries.state().device;
}

MatrixProduct::~MatrixProduct() = default;
MatrixProduct::MatrixProduct(MatrixProduct&&) noexcept = default;
MatrixProduct& MatrixProduct::operator=(MatrixProduct&&) noexcept = default;

std::int64_t MatrixProduct::workspace_bytes() const { return 256; }  // so that callers must have one

void MatrixProduct::run(cudaStream_t stream, const MatrixOperands& operands) const {
  const auto& [left, right, bias, out, workspace, alpha, beta] = operands;
  const auto& request = state_->request;
  const std::string text = "matrix product " + to_text(request);
  stand_in::check_call(text, state_->device, stream);
  stand_in::check_aligned(text + ": the left matrix", left, request.left_alignment);
  stand_in::check_aligned(text + ": the right matrix", right, request.right_alignment);
  stand_in::check_aligned(text + ": the result", out, request.out_alignment);
  if (request.bias && bias == nullptr) throw DeviceError(text + " without its bias");
  if (workspace == nullptr) throw DeviceError(text + " without its workspace");
  launch(stream, {.grid = {ceil_divide(request.rows, kRows), request.batch}, .block = dim3(1)},
         "stand_in_matrix_product", &stand_in_matrix_product, request, left, right, bias, out, alpha, beta);
}

const MatrixProductRequest& MatrixProduct::request() const { return state_->request; }

}  // namespace twinpatch::cuda
