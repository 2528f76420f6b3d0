// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "library/matrix_product.hpp"

#include <fmt/format.h>

#include <array>

#include "kernels/epilogue.hpp"
#include "library/libraries_state.hpp"
#include "runtime/handle.hpp"

// cuBLASLt counts columns first; a row-major matrix is the transpose of what it sees. So out = left · right is asked
// for as outᵀ = rightᵀ · leftᵀ: its first operand ("A") is our right matrix, its rows are our columns.

namespace twinpatch::cuda {
namespace {

cudaDataType_t data_type(NumberType type) {
  switch (type) {
    case NumberType::fp32:
      return CUDA_R_32F;
    case NumberType::fp16:
      return CUDA_R_16F;
    case NumberType::bf16:
      return CUDA_R_16BF;
  }
  throw InvalidArgument("unknown number type");
}

using Layout = Handle<cublasLtMatrixLayout_t, &cublasLtMatrixLayoutDestroy>;
using Operation = Handle<cublasLtMatmulDesc_t, &cublasLtMatmulDescDestroy>;
using Preference = Handle<cublasLtMatmulPreference_t, &cublasLtMatmulPreferenceDestroy>;

template <class T>
void set(cublasLtMatrixLayout_t layout, cublasLtMatrixLayoutAttribute_t name, T value) {
  TWINPATCH_CUDA_CHECK(cublasLtMatrixLayoutSetAttribute(layout, name, &value, sizeof value));
}
template <class T>
void set(cublasLtMatmulDesc_t operation, cublasLtMatmulDescAttributes_t name, T value) {
  TWINPATCH_CUDA_CHECK(cublasLtMatmulDescSetAttribute(operation, name, &value, sizeof value));
}
template <class T>
void set(cublasLtMatmulPreference_t preference, cublasLtMatmulPreferenceAttributes_t name, T value) {
  TWINPATCH_CUDA_CHECK(cublasLtMatmulPreferenceSetAttribute(preference, name, &value, sizeof value));
}

/// A row-major matrix, as many times as there are products in a batch.
struct MatrixForm {
  std::int64_t rows, columns, stride, batch_stride;
};

Layout make_layout(NumberType type, const MatrixForm& form, std::int64_t batch) {
  cublasLtMatrixLayout_t made = nullptr;
  TWINPATCH_CUDA_CHECK(cublasLtMatrixLayoutCreate(&made, data_type(type), static_cast<std::uint64_t>(form.columns),
                                                  static_cast<std::uint64_t>(form.rows), form.stride));
  Layout layout(made);
  set(made, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, static_cast<std::int32_t>(batch));
  set(made, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, form.batch_stride);
  return layout;
}

cublasLtEpilogue_t epilogue_of(const MatrixProductRequest& request) {
  if (request.bias) return request.relu ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BIAS;
  return request.relu ? CUBLASLT_EPILOGUE_RELU : CUBLASLT_EPILOGUE_DEFAULT;
}

}  // namespace

struct MatrixProduct::State {
  Libraries::State* libraries = nullptr;
  MatrixProductRequest request;
  Operation operation;
  Layout left, right, out;
  cublasLtMatmulAlgo_t algorithm{};
  std::int64_t workspace = 0;
  bool own_epilogue = false;  ///< bias and ReLU by a kernel of our own

  void describe();
  /// False where the library has no algorithm.
  [[nodiscard]] bool choose();
};

void MatrixProduct::State::describe() {
  const NumberType type = storage_of(request.precision);
  cublasLtMatmulDesc_t made = nullptr;
  TWINPATCH_CUDA_CHECK(cublasLtMatmulDescCreate(
      &made, request.precision == Precision::tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F, CUDA_R_32F));
  operation.reset(made);
  set(made, CUBLASLT_MATMUL_DESC_TRANSA,
      static_cast<std::int32_t>(request.right_transposed ? CUBLAS_OP_T : CUBLAS_OP_N));
  set(made, CUBLASLT_MATMUL_DESC_TRANSB, static_cast<std::int32_t>(CUBLAS_OP_N));
  set(made, CUBLASLT_MATMUL_DESC_EPILOGUE, own_epilogue ? CUBLASLT_EPILOGUE_DEFAULT : epilogue_of(request));
  if (request.bias && !own_epilogue)
    set(made, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, static_cast<std::int32_t>(data_type(request.out)));
  MatrixForm of_right{request.inner, request.columns, request.right_stride, request.right_batch_stride};
  if (request.right_transposed) std::swap(of_right.rows, of_right.columns);
  left =
      make_layout(type, {request.rows, request.inner, request.left_stride, request.left_batch_stride}, request.batch);
  right = make_layout(type, of_right, request.batch);
  out = make_layout(request.out, {request.rows, request.columns, request.out_stride, request.out_batch_stride},
                    request.batch);
}

bool MatrixProduct::State::choose() {
  cublasLtMatmulPreference_t made = nullptr;
  TWINPATCH_CUDA_CHECK(cublasLtMatmulPreferenceCreate(&made));
  const Preference preference(made);
  set(made, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, static_cast<std::uint64_t>(request.workspace_limit));
  // Sums that several blocks share are added in a fixed order, never in place as they come.
  set(made, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
      static_cast<std::uint32_t>(CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE));
  const auto align = [&](cublasLtMatmulPreferenceAttributes_t name, int alignment) {
    set(made, name, static_cast<std::uint32_t>(alignment));
  };
  align(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, request.right_alignment);
  align(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, request.left_alignment);
  align(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, request.out_alignment);
  align(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, request.out_alignment);
  cublasLtMatmulHeuristicResult_t result{};
  int count = 0;
  const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(
      libraries->blas.get(), operation.get(), right.get(), left.get(), out.get(), out.get(), made, 1, &result, &count);
  if (status == CUBLAS_STATUS_NOT_SUPPORTED || (status == CUBLAS_STATUS_SUCCESS && count == 0)) return false;
  TWINPATCH_CUDA_CHECK(status);
  TWINPATCH_CUDA_CHECK(result.state);
  algorithm = result.algo;
  workspace = static_cast<std::int64_t>(result.workspaceSize);
  return true;
}

MatrixProduct::MatrixProduct(Libraries& libraries, const MatrixProductRequest& request)
    : state_(std::make_unique<State>()) {
  request.validate();
  state_->libraries = &libraries.state();
  state_->request = completed(request);
  State& state = *state_;
  state.describe();
  if (state.choose()) return;
  if (request.bias || request.relu) {  // some shapes are there without an epilogue alone
    state.own_epilogue = true;
    state.describe();
    if (state.choose()) return;
  }
  throw DeviceError("cuBLASLt cannot compute the matrix product " + to_text(request));
}

MatrixProduct::~MatrixProduct() = default;
MatrixProduct::MatrixProduct(MatrixProduct&&) noexcept = default;
MatrixProduct& MatrixProduct::operator=(MatrixProduct&&) noexcept = default;

std::int64_t MatrixProduct::workspace_bytes() const { return state_->workspace; }

void MatrixProduct::run(cudaStream_t stream, const MatrixOperands& operands) const {
  const State& state = *state_;
  const auto& [left, right, bias, out, workspace, alpha, beta] = operands;
  if (state.request.bias && !state.own_epilogue) set(state.operation.get(), CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
  TWINPATCH_CUDA_CHECK(cublasLtMatmul(state.libraries->blas.get(), state.operation.get(), &alpha, right,
                                      state.right.get(), left, state.left.get(), &beta, out, state.out.get(), out,
                                      state.out.get(), &state.algorithm, workspace,
                                      static_cast<std::size_t>(state.workspace), stream));
  if (!state.own_epilogue) return;
  const MatrixProductRequest& request = state.request;
  for (std::int64_t i = 0; i < request.batch; ++i) {
    kernels::apply_epilogue(stream, request.out, {request.bias ? bias : nullptr, request.relu},
                            {static_cast<std::byte*>(out) + i * request.out_batch_stride * size_of(request.out),
                             request.rows, request.columns, request.out_stride});
  }
}

const MatrixProductRequest& MatrixProduct::request() const { return state_->request; }

}  // namespace twinpatch::cuda
