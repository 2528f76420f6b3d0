// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
// Every function of cuDNN and cuBLASLt that this folder calls, defined under its own name: the first call loads the
// library, all pass on to it. Linked in the usual way the two would cost every start of the program 70 ms, `--help` and
// runs on the CPU included, and a host without them could not start it at all.
#include "library/loaded_functions.hpp"

#include <cublasLt.h>
#include <cudnn.h>
#include <fmt/format.h>

#include "library/shared_library.hpp"

namespace twinpatch::cuda {
namespace {

const SharedLibrary& blas() {
  static const SharedLibrary library(fmt::format("libcublasLt.so.{}", CUBLAS_VER_MAJOR),
                                     library_folders(TWINPATCH_CUBLAS_FOLDER));
  return library;
}

const SharedLibrary& dnn() {
  (void)blas();  // which cuDNN opens by name: from wherever it was found
  static const SharedLibrary library(fmt::format("libcudnn.so.{}", CUDNN_MAJOR),
                                     library_folders(TWINPATCH_CUDNN_FOLDER));
  return library;
}

}  // namespace

std::filesystem::path dnn_path() { return dnn().path(); }
std::filesystem::path blas_path() { return blas().path(); }

}  // namespace twinpatch::cuda

// The headers above declare these, as C; a signature that differs from theirs does not compile.
#define TWINPATCH_PASS_ON(library, result, name, parameters, arguments)                                     \
  result name parameters {                                                                                  \
    static const auto function = reinterpret_cast<decltype(&name)>(twinpatch::cuda::library().find(#name)); \
    return function arguments;                                                                              \
  }
#define TWINPATCH_DNN(name, parameters, arguments) TWINPATCH_PASS_ON(dnn, cudnnStatus_t, name, parameters, arguments)
#define TWINPATCH_BLAS(name, parameters, arguments) TWINPATCH_PASS_ON(blas, cublasStatus_t, name, parameters, arguments)

TWINPATCH_PASS_ON(dnn, size_t, cudnnGetVersion, (), ())
TWINPATCH_PASS_ON(dnn, const char*, cudnnGetErrorString, (cudnnStatus_t status), (status))
TWINPATCH_PASS_ON(dnn, void, cudnnGetLastErrorString, (char* message, size_t size), (message, size))
TWINPATCH_DNN(cudnnCreate, (cudnnHandle_t * handle), (handle))
TWINPATCH_DNN(cudnnDestroy, (cudnnHandle_t handle), (handle))
TWINPATCH_DNN(cudnnSetStream, (cudnnHandle_t handle, cudaStream_t stream), (handle, stream))
TWINPATCH_DNN(cudnnBackendCreateDescriptor, (cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t* descriptor),
              (type, descriptor))
TWINPATCH_DNN(cudnnBackendDestroyDescriptor, (cudnnBackendDescriptor_t descriptor), (descriptor))
TWINPATCH_DNN(cudnnBackendFinalize, (cudnnBackendDescriptor_t descriptor), (descriptor))
TWINPATCH_DNN(cudnnBackendSetAttribute,
              (cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
               int64_t count, const void* elements),
              (descriptor, name, type, count, elements))
TWINPATCH_DNN(cudnnBackendGetAttribute,
              (cudnnBackendDescriptor_t const descriptor, cudnnBackendAttributeName_t name,
               cudnnBackendAttributeType_t type, int64_t requested, int64_t* count, void* elements),
              (descriptor, name, type, requested, count, elements))
TWINPATCH_DNN(cudnnBackendExecute,
              (cudnnHandle_t handle, cudnnBackendDescriptor_t plan, cudnnBackendDescriptor_t variant_pack),
              (handle, plan, variant_pack))

TWINPATCH_PASS_ON(blas, size_t, cublasLtGetVersion, (), ())
TWINPATCH_PASS_ON(blas, const char*, cublasLtGetStatusName, (cublasStatus_t status), (status))
TWINPATCH_BLAS(cublasLtCreate, (cublasLtHandle_t * handle), (handle))
TWINPATCH_BLAS(cublasLtDestroy, (cublasLtHandle_t handle), (handle))
TWINPATCH_BLAS(cublasLtMatmulDescCreate,
               (cublasLtMatmulDesc_t * product, cublasComputeType_t compute, cudaDataType_t scale),
               (product, compute, scale))
TWINPATCH_BLAS(cublasLtMatmulDescDestroy, (cublasLtMatmulDesc_t product), (product))
TWINPATCH_BLAS(cublasLtMatmulDescSetAttribute,
               (cublasLtMatmulDesc_t product, cublasLtMatmulDescAttributes_t attribute, const void* value, size_t size),
               (product, attribute, value, size))
TWINPATCH_BLAS(cublasLtMatmulPreferenceCreate, (cublasLtMatmulPreference_t * preference), (preference))
TWINPATCH_BLAS(cublasLtMatmulPreferenceDestroy, (cublasLtMatmulPreference_t preference), (preference))
TWINPATCH_BLAS(cublasLtMatmulPreferenceSetAttribute,
               (cublasLtMatmulPreference_t preference, cublasLtMatmulPreferenceAttributes_t attribute,
                const void* value, size_t size),
               (preference, attribute, value, size))
TWINPATCH_BLAS(cublasLtMatrixLayoutCreate,
               (cublasLtMatrixLayout_t * layout, cudaDataType type, uint64_t rows, uint64_t columns, int64_t stride),
               (layout, type, rows, columns, stride))
TWINPATCH_BLAS(cublasLtMatrixLayoutDestroy, (cublasLtMatrixLayout_t layout), (layout))
TWINPATCH_BLAS(cublasLtMatrixLayoutSetAttribute,
               (cublasLtMatrixLayout_t layout, cublasLtMatrixLayoutAttribute_t attribute, const void* value,
                size_t size),
               (layout, attribute, value, size))
TWINPATCH_BLAS(cublasLtMatmulAlgoGetHeuristic,
               (cublasLtHandle_t handle, cublasLtMatmulDesc_t product, cublasLtMatrixLayout_t a,
                cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                cublasLtMatmulPreference_t preference, int requested, cublasLtMatmulHeuristicResult_t results[],
                int* count),
               (handle, product, a, b, c, d, preference, requested, results, count))
TWINPATCH_BLAS(cublasLtMatmul,
               (cublasLtHandle_t handle, cublasLtMatmulDesc_t product, const void* alpha, const void* a,
                cublasLtMatrixLayout_t a_layout, const void* b, cublasLtMatrixLayout_t b_layout, const void* beta,
                const void* c, cublasLtMatrixLayout_t c_layout, void* d, cublasLtMatrixLayout_t d_layout,
                const cublasLtMatmulAlgo_t* algorithm, void* workspace, size_t workspace_bytes, cudaStream_t stream),
               (handle, product, alpha, a, a_layout, b, b_layout, beta, c, c_layout, d, d_layout, algorithm, workspace,
                workspace_bytes, stream))
