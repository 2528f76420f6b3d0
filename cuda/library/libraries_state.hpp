// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cublasLt.h>
#include <cudnn.h>

#include <optional>
#include <string>

#include "library/libraries.hpp"
#include "library/library_check.hpp"
#include "library/tuned_plans.hpp"
#include "runtime/handle.hpp"

namespace twinpatch::cuda {

/// What plans share: the open libraries of one device.
struct Libraries::State {
  State(int device, LibraryOptions library_options);

  /// cuDNN with its stream set; setting it costs, so only where it differs from the last one.
  [[nodiscard]] cudnnHandle_t dnn_on(cudaStream_t stream);
  void report(const std::string& line) const;

  LibraryOptions options;
  Handle<cudnnHandle_t, &cudnnDestroy> dnn;
  Handle<cublasLtHandle_t, &cublasLtDestroy> blas;
  std::optional<cudaStream_t> dnn_stream;
  TunedPlans cache;
  std::string key;  ///< card and library version: the start of every key of kept plans
};

}  // namespace twinpatch::cuda
