// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "kernels/epilogue.hpp"

#include "launch_helpers.cuh"

namespace twinpatch::cuda::kernels {
namespace {

/// bias [columns] or null, values [rows, stride], in place. Thread: one value at a time (grid-stride).
template <class T>
__global__ void epilogue_kernel(const T* bias, bool relu, T* values, OutputMatrix matrix) {
  for (std::int64_t n = global_thread(); n < matrix.rows * matrix.columns; n += all_threads()) {
    const std::int64_t j = n % matrix.columns;
    T& value = values[n / matrix.columns * matrix.stride + j];
    const float sum = to_float(value) + (bias != nullptr ? to_float(bias[j]) : 0.0F);
    store(value, relu ? activated(ActivationKind::relu, sum) : sum);
  }
}

}  // namespace

void apply_epilogue(cudaStream_t stream, NumberType type, Epilogue epilogue, OutputMatrix matrix) {
  const std::int64_t size = matrix.rows * matrix.columns;
  if (size == 0) return;
  visit_number(type, [&]<class T>(T) {
    launch(stream, per_item(size), "epilogue", &epilogue_kernel<T>, static_cast<const T*>(epilogue.bias), epilogue.relu,
           static_cast<T*>(matrix.values), matrix);
  });
}

}  // namespace twinpatch::cuda::kernels
