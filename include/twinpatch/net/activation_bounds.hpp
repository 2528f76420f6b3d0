// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "twinpatch/net/model.hpp"

namespace twinpatch {

/// Bound of an activation within a network: an overflow would end in ReLU as a 0, and in a score that looks like one.
/// Four orders of magnitude below float32's largest value, for the sums within fast convolutions.
inline constexpr double kLargestActivation = 1e34;

/// `folded`: as after fold_batch_normalisation(). Throws InvalidArgument naming the first layer whose output may pass
/// kLargestActivation for normalised pixels within ±largest_pixel: where no |x| is above b, no Σ w·x + c is above
/// b · Σ|w| + |c|. Networks in use stay many orders of magnitude below.
void check_activation_bounds(const Model& folded, double largest_pixel);

}  // namespace twinpatch
