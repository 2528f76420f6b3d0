// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "plan/step.hpp"

namespace twinpatch::cpu {

/// Whether a product is computed in 16-bit integers: in bf16, without tanh, its sizes in vectors, on a processor that
/// has them.
[[nodiscard]] bool paired_product_fits(const ProductWork& work);

/// Rows of a batch in steps of their norm, weights in a step for each output. An item with a number that is not finite
/// becomes NaN.
[[nodiscard]] std::unique_ptr<Step> make_paired_product_step(const ProductWork& work, std::int64_t batch);

}  // namespace twinpatch::cpu
