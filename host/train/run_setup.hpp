// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <optional>
#include <string>

#include "sampler.hpp"
#include "twinpatch/net/model.hpp"
#include "twinpatch/train/options.hpp"
#include "twinpatch/train/trainer.hpp"

// What a run needs before its first step, and the rule of its learning rate.
namespace twinpatch::train {

/// "auto", "cpu", "cuda" or "cuda:N". Throws InvalidArgument, DeviceError.
[[nodiscard]] at::Device choose_device(const std::string& name);

struct LoadedScenes {
  Scenes training, validation;
};
/// Reads the folders of the options; the smallest `hold_out` of those to train on become validation scenes.
[[nodiscard]] LoadedScenes load_scenes(const TrainOptions& options, TrainObserver& observer);

/// The window that the model asks for: the option's, or that of all scenes that name one. Nothing where none does,
/// where they differ or windows are chosen from a range (which is said): such a model has none to recommend.
[[nodiscard]] std::optional<float> model_extent(const TrainOptions& options, const Scenes& scenes,
                                                TrainObserver& observer);

/// Random weights of the seed, and in their place those weights of `options.initial` that fit. Throws InvalidArgument
/// where none do.
[[nodiscard]] Model start_model(const TrainOptions& options, const NetworkSpec& spec, TrainObserver& observer);

/// The rate of step `step` (from 0) of a run that has done `progress` (0…1) of its length.
[[nodiscard]] double learning_rate(const TrainOptions& options, std::int64_t step, double progress);

}  // namespace twinpatch::train
