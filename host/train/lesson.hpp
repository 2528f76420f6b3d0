// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <optional>

#include "loader.hpp"
#include "run_setup.hpp"
#include "torch_network.hpp"

namespace twinpatch::train {

/// What a run learns from: batches by number, of pairs or of lists.
struct Lesson {
  MakeBatch make;
  std::optional<TwoStageRule> rule;  ///< of lists: adds the network's score to the similarity
};
/// Says how many lists of each kind there are. Throws as Sampler and ListSampler do.
[[nodiscard]] Lesson make_lesson(const LoadedScenes& scenes, const TrainOptions& options, TrainObserver& observer);

/// The loss of one batch of the lesson, a scalar with its gradient.
[[nodiscard]] at::Tensor lesson_loss(const TorchNetwork& net, const TrainOptions& options, const Lesson& lesson,
                                     const Batch& batch);

}  // namespace twinpatch::train
