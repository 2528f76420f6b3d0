// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "sampler.hpp"
#include "torch_network.hpp"
#include "twinpatch/train/options.hpp"

namespace twinpatch::train {

/// The loss of one batch, a scalar with its gradient. `options` are resolved.
[[nodiscard]] at::Tensor batch_loss(const TorchNetwork& net, const TrainOptions& options, const PatchBatch& batch);

/// Pairs (left patch of row, right patch of column) of a batch.
struct GridPairs {
  std::vector<std::int64_t> rows, columns;
};

/// For every row of scores [n, n], its `count` highest that are negatives, hardest first. Negatives are what the batch
/// does not exclude; of those of the row's own scene the highest `leave_out` share is passed over: there sit the
/// look-alikes of repeated structure, which differ by alignment only. Rows without a negative give nothing.
[[nodiscard]] GridPairs hard_negatives(const at::Tensor& scores, const PatchBatch& batch, int count, double leave_out);

/// Upper bound of the distance of two vectors of the network's branch (Q of the energy loss). Throws InvalidArgument
/// where there is none.
[[nodiscard]] double energy_bound(const NetworkSpec& spec);

}  // namespace twinpatch::train
