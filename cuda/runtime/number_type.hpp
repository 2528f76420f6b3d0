// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "twinpatch/backend/options.hpp"

namespace twinpatch::cuda {

/// How a number lies in device memory.
enum class NumberType { fp32, fp16, bf16 };

[[nodiscard]] constexpr std::int64_t size_of(NumberType type) { return type == NumberType::fp32 ? 4 : 2; }

/// What activations and weights of a run in this precision are stored as (tf32 is a way to multiply, not to store).
/// Throws InvalidArgument for int8, which the CUDA engine does not offer.
[[nodiscard]] NumberType storage_of(Precision precision);

[[nodiscard]] const char* to_string(NumberType type);

}  // namespace twinpatch::cuda
