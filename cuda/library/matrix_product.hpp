// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <memory>
#include <string>

#include "library/libraries.hpp"
#include "library/matrix_product_request.hpp"
#include "library/pack.hpp"

namespace twinpatch::cuda {

/// Device memory of one product, and what it is multiplied by: out ← alpha · left · right + beta · out.
struct MatrixOperands {
  const void* left = nullptr;
  const void* right = nullptr;
  const void* bias = nullptr;  ///< read only where the request has one
  void* out = nullptr;         ///< read only where beta is not 0
  void* workspace = nullptr;   ///< of workspace_bytes()
  float alpha = 1;
  float beta = 0;
};

/// The product, planned once: the library's first choice that is deterministic.
class MatrixProduct {
 public:
  MatrixProduct(Libraries& libraries, const MatrixProductRequest& request);
  ~MatrixProduct();
  MatrixProduct(MatrixProduct&&) noexcept;
  MatrixProduct& operator=(MatrixProduct&&) noexcept;

  [[nodiscard]] std::int64_t workspace_bytes() const;
  /// Enqueues it; allocates nothing and does not synchronise. May be captured, after a first call outside of a capture.
  void run(cudaStream_t stream, const MatrixOperands& operands) const;

  [[nodiscard]] const MatrixProductRequest& request() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace twinpatch::cuda
