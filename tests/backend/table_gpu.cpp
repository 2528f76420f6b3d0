// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "backend_table.hpp"
#include "twinpatch/cuda/backend.hpp"

namespace twinpatch::test {

std::vector<BackendRow> backend_rows(const RowChoice& choice) {
  std::vector<Precision> precisions{Precision::fp32};
  if (choice.precisions) precisions.insert(precisions.end(), {Precision::tf32, Precision::fp16, Precision::bf16});
  std::vector<BackendRow> rows;
  for (const Precision precision : precisions) {
    ExecutionOptions options;
    options.device = "cuda:0";
    options.precision = precision;
    rows.push_back({.name = "a GPU", .make = &make_cuda_backend, .options = options});
  }
  return rows;
}

}  // namespace twinpatch::test
