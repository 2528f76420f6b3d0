// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

namespace twinpatch::train {

/// score(i, j) = bias + Σ_k weight_k · max(0, P_ik + Q_jk): the decision part of a whole grid, with its gradient.
/// P [n, K], Q [m, K], weight [1, K], bias [1] → [n, m]. The sums P + Q never exist as a tensor, and pairs whose score
/// has no gradient (most of a hinge's) cost nothing on the way back. CPU.
[[nodiscard]] at::Tensor pair_head(const at::Tensor& p, const at::Tensor& q, const at::Tensor& weight,
                                   const at::Tensor& bias);

}  // namespace twinpatch::train
