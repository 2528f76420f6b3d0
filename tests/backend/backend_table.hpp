// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/backend_rig.hpp"
#include "support/cuda_device.hpp"
#include "support/instruction_set.hpp"
#include "support/reference.hpp"
#include "support/small_networks.hpp"
#include "support/tolerances.hpp"
#include "twinpatch/cpu/backend.hpp"

// The table of backends that every case of this folder runs over. The cases are compiled into two programs:
// test_backend has the CPU and CUDA on the stand-in of tests/simt, test_backend_gpu has CUDA on a GPU.

namespace twinpatch::test {

/// A row of the table.
struct BackendRow {
  using Make = std::unique_ptr<Backend> (*)(const ExecutionOptions&);

  std::string name;
  Make make = nullptr;
  ExecutionOptions options;
  std::int64_t instruction_set = 0;  ///< of the CPU, by Highway's number; 0: the best there is
  /// Runs on the stand-in, thousands of times slower than a device: sizes may be smaller where size is not the point.
  bool simulated = false;

  [[nodiscard]] std::unique_ptr<Backend> backend() const { return make(options); }
  [[nodiscard]] Rig rig(std::shared_ptr<const Model> model) const { return {make(options), std::move(model)}; }
  [[nodiscard]] Rig rig(std::shared_ptr<const Model> model, const ExecutionOptions& changed) const {
    return {make(changed), std::move(model)};
  }
  /// How far a pair's score may lie from the reference.
  [[nodiscard]] Tolerance score_limit() const {
    switch (options.precision) {
      case Precision::tf32:
        return tolerance::kScoreTf32;
      case Precision::fp16:
        return tolerance::kScoreFp16;
      case Precision::bf16:
        return make == &make_cpu_backend ? tolerance::kCpuBf16 : tolerance::kScoreBf16;
      default:
        return tolerance::kScoreFp32;
    }
  }
};

/// Which rows a case runs over, beside each backend once in fp32.
struct RowChoice {
  bool precisions = false;          ///< every other precision that a backend offers
  bool cpu_precisions = false;      ///< those of the CPU alone
  bool instruction_sets = false;    ///< the CPU on every instruction set, and with one thread
  bool exact_convolutions = false;  ///< the CPU without Winograd
};

/// The rows of this program.
[[nodiscard]] std::vector<BackendRow> backend_rows(const RowChoice& choice);

/// Calls body(row) for each row; what fails names the row.
template <class Body>
void for_each_backend(const RowChoice& choice, const Body& body) {
  for (const BackendRow& row : backend_rows(choice)) {
    INFO("on " << row.name << " in " << to_string(row.options.precision));
    const OnlyTarget instruction_set(row.instruction_set);
    body(row);
  }
}
template <class Body>
void for_each_backend(const Body& body) {
  for_each_backend(RowChoice{}, body);
}

}  // namespace twinpatch::test
