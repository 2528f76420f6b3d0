// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <hwy/targets.h>

#include "backend_table.hpp"
#include "twinpatch/cpu/backend.hpp"
#include "twinpatch/cuda/backend.hpp"

namespace twinpatch::test {
namespace {

ExecutionOptions on(const char* device, int threads, Precision precision = Precision::fp32) {
  ExecutionOptions options;
  options.device = device;
  options.threads = threads;
  options.precision = precision;
  return options;
}

}  // namespace

std::vector<BackendRow> backend_rows(const RowChoice& choice) {
  std::vector<BackendRow> rows;
  if (choice.instruction_sets) {
    rows.push_back({"the CPU with one thread", &make_cpu_backend, on("cpu", 1)});
    for (const std::int64_t target : highway_targets()) {
      rows.push_back({std::string("the CPU with ") + hwy::TargetName(target), &make_cpu_backend, on("cpu", 3), target});
    }
  } else {
    rows.push_back({"the CPU", &make_cpu_backend, on("cpu", 2)});
  }
  if (choice.exact_convolutions) {
    rows.push_back({"the CPU with exact convolutions", &make_cpu_backend, on("cpu", 2)});
    rows.back().options.exact_convolutions = true;
  }
  for (const Precision precision : cpu_precisions()) {
    if (precision != Precision::bf16 || !(choice.precisions || choice.cpu_precisions)) continue;  // int8: tests/cpu
    rows.push_back({"the CPU", &make_cpu_backend, on("cpu", 2, precision)});
    rows.push_back({"the CPU with exact convolutions", &make_cpu_backend, on("cpu", 2, precision)});
    rows.back().options.exact_convolutions = true;
  }
  std::vector<Precision> precisions{Precision::fp32};
  if (choice.precisions) precisions.insert(precisions.end(), {Precision::tf32, Precision::fp16, Precision::bf16});
  for (const Precision precision : precisions) {
    rows.push_back({.name = "CUDA's stand-in",
                    .make = &make_cuda_backend,
                    .options = on("cuda:0", 2, precision),
                    .simulated = true});
  }
  return rows;
}

}  // namespace twinpatch::test
