// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "kernels/kernels.hpp"
#include "twinpatch/net/spec.hpp"

// Parts of a network as kernels are told of them.

namespace twinpatch::cuda {

[[nodiscard]] kernels::PixelRule pixel_rule(const Normalisation& normalisation);
[[nodiscard]] kernels::View view_of(StreamView view);
[[nodiscard]] kernels::ActivationKind activation_of(std::optional<Activation::Kind> activation);

}  // namespace twinpatch::cuda
