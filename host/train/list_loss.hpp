// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include "list_sampler.hpp"
#include "torch_network.hpp"

namespace twinpatch::train {

/// The network's scores [candidates] of a batch's candidates with their keypoints.
[[nodiscard]] at::Tensor list_scores(const TorchNetwork& net, const ListBatch& batch);

/// Mean over the lists of −log P(right answer): a softmax over a list's candidates, each with the score of the two
/// stages' rule (a · similarity + b · network − "none"), and over "none of them", whose score is 0. A scalar with its
/// gradient.
[[nodiscard]] at::Tensor list_softmax(const at::Tensor& network, const ListBatch& batch, const TwoStageRule& rule);

}  // namespace twinpatch::train
