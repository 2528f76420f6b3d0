// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <optional>
#include <string>
#include <vector>

#include "list_sampler.hpp"
#include "sampler.hpp"
#include "twinpatch/net/model.hpp"
#include "twinpatch/train/options.hpp"
#include "twinpatch/train/trainer.hpp"

// What a run needs before its first step, and the rule of its learning rate.
namespace twinpatch::train {

/// "auto", "cpu", "cuda" or "cuda:N". Throws InvalidArgument, DeviceError.
[[nodiscard]] at::Device choose_device(const std::string& name);

/// Scenes of patches to train on, or, with the loss on lists, datasets of candidate lists; either to validate on.
struct LoadedScenes {
  Scenes training, validation;
  ListSets lists, list_validation;
};
/// Reads the folders of the options; the smallest `hold_out` of those to train on become validation scenes. Throws
/// InvalidArgument for candidate lists without the loss on lists, and for anything else to train on with it.
[[nodiscard]] LoadedScenes load_scenes(const TrainOptions& options, TrainObserver& observer);

/// The window that the model asks for: the option's, or that of all scenes that name one. Nothing where none does,
/// where they differ or windows are chosen from a range (which is said): such a model has none to recommend.
[[nodiscard]] std::optional<float> model_extent(const TrainOptions& options, const LoadedScenes& scenes,
                                                TrainObserver& observer);
/// Names of the datasets to train on, and of those to validate on.
[[nodiscard]] std::vector<std::string> training_names(const LoadedScenes& scenes);
[[nodiscard]] std::vector<std::string> validation_names(const LoadedScenes& scenes);
/// Throws ShapeError for patches of another size than the network's.
void check_patch_size(const NetworkSpec& spec, const LoadedScenes& scenes);

/// Random weights of the seed, and in their place those weights of `options.initial` that fit. Throws InvalidArgument
/// where none do.
[[nodiscard]] Model start_model(const TrainOptions& options, const NetworkSpec& spec, TrainObserver& observer);

/// The rate of step `step` (from 0) of a run that has done `progress` (0…1) of its length.
[[nodiscard]] double learning_rate(const TrainOptions& options, std::int64_t step, double progress);

}  // namespace twinpatch::train
