// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>

#include "twinpatch/core/run_control.hpp"
#include "twinpatch/net/activation_ranges.hpp"
#include "twinpatch/patches/pair_list.hpp"
#include "twinpatch/patches/patch_set.hpp"

namespace twinpatch {

/// Runs the network in fp32 on all threads and gives the range of every layer's input that int8 needs. Networks with
/// descriptors see the patches; 2-channel networks see `pairs` of them, which others ignore. Batch normalisations are
/// folded here. Throws ShapeError for patches of another size than the network's, InvalidArgument for a set without
/// patches or (2-channel) pairs, and for activations that are not finite.
[[nodiscard]] ActivationRanges calibrate(const std::shared_ptr<const Model>& model, PatchView patches,
                                         std::span<const IndexPair> pairs, const RunControl& control = {});

}  // namespace twinpatch
