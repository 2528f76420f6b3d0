// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "plan/context.hpp"
#include "twinpatch/backend/backend.hpp"

namespace twinpatch::cpu {

/// Towers of siamese and pseudo-siamese networks. `model` has its batch normalisations folded.
[[nodiscard]] std::unique_ptr<BranchExecutor> make_siamese_branch(std::shared_ptr<CpuContext> context,
                                                                  std::shared_ptr<const Model> model);

}  // namespace twinpatch::cpu
