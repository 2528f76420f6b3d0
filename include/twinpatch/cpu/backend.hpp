// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "twinpatch/backend/backend.hpp"

namespace twinpatch {

[[nodiscard]] std::unique_ptr<Backend> make_cpu_backend(const ExecutionOptions& options);

/// What this processor computes networks in, fp32 first. bf16: where it multiplies bfloat16 (AVX-512 BF16 or AMX).
[[nodiscard]] std::vector<Precision> cpu_precisions();

/// The fastest precision that this model was shown to be accurate in on a processor of this kind, by a table that
/// bench/models/tables.py makes (host/cpu/judged_precisions.cpp); fp32 where none was.
[[nodiscard]] ChosenPrecision cpu_precision_for(const Model& model);

/// What `doctor` prints about the processor: one line.
[[nodiscard]] std::vector<std::string> describe_cpu_devices();

}  // namespace twinpatch
