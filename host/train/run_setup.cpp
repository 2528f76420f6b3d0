// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "run_setup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "initial_weights.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch::train {
namespace {

/// Factor of the rate at `progress` (0…1) of the run.
double schedule_factor(ScheduleKind kind, double progress) {
  progress = std::clamp(progress, 0.0, 1.0);
  switch (kind) {
    case ScheduleKind::constant:
      return 1;
    case ScheduleKind::linear:
      return 1 - progress;
    case ScheduleKind::cosine:
      return 0.5 * (1 + std::cos(std::numbers::pi * progress));
  }
  return 1;
}

}  // namespace

at::Device choose_device(const std::string& name) {
  if (name == "cpu" || (name == "auto" && !at::hasCUDA())) return at::kCPU;
  if (name != "auto" && !name.starts_with("cuda"))
    throw InvalidArgument(fmt::format("unknown device \"{}\": expected auto, cpu or cuda", name));
  if (!at::hasCUDA()) throw DeviceError("libtorch without CUDA, or no CUDA device: use --device cpu");
  return name == "auto" ? at::Device(at::kCUDA, 0) : at::Device(name);
}

LoadedScenes load_scenes(const TrainOptions& options, TrainObserver& observer) {
  const auto cache = options.cache.empty() ? default_cache_folder() : options.cache;
  const auto load = [&](const std::filesystem::path& folder, std::string_view use) {
    auto scene = std::make_shared<const Scene>(folder, cache);
    observer.on_message(fmt::format(
        "{} {}: {} patches, {} points with a match{}", use, scene->name(), scene->patches().count, scene->groups(),
        scene->single_points() > 0 ? fmt::format(" ({} with one patch are not used)", scene->single_points()) : ""));
    return scene;
  };
  LoadedScenes scenes;
  for (const auto& folder : options.datasets) scenes.training.push_back(load(folder, "train on"));
  for (const auto& folder : options.validation) scenes.validation.push_back(load(folder, "validate on"));
  for (int i = 0; i < options.hold_out; ++i) {
    const auto smallest = std::min_element(scenes.training.begin(), scenes.training.end(),
                                           [](const auto& a, const auto& b) { return a->groups() < b->groups(); });
    observer.on_message(fmt::format("held out for validation: {}", (*smallest)->name()));
    scenes.validation.push_back(*smallest);
    scenes.training.erase(smallest);
  }
  return scenes;
}

namespace {

std::optional<float> common_extent(const Scenes& scenes, TrainObserver& observer) {
  std::optional<float> extent;
  for (const auto& scene : scenes) {
    const auto own = scene->patch_extent();
    if (!own || own == extent) continue;
    if (extent) {
      observer.on_message(fmt::format(
          "the windows of {} are {} sigma wide, those of another dataset {}: the model will carry no patch extent",
          scene->name(), *own, *extent));
      return std::nullopt;
    }
    extent = own;
  }
  return extent;
}

}  // namespace

std::optional<float> model_extent(const TrainOptions& options, const Scenes& scenes, TrainObserver& observer) {
  if (options.patch_extent > 0) return static_cast<float>(options.patch_extent);
  if (!options.windows.chosen()) return common_extent(scenes, observer);
  observer.on_message("windows of many sizes: the model will carry no patch extent (--patch-extent gives it one)");
  return std::nullopt;
}

Model start_model(const TrainOptions& options, const NetworkSpec& spec, TrainObserver& observer) {
  Model model = initial_model(spec, options.seed);
  if (options.initial.empty()) return model;
  const Model other = load_model(options.initial);
  const std::size_t taken = take_weights(model, other);
  if (taken == 0)
    throw InvalidArgument(
        fmt::format("{} ({}) has no weights that fit {}", options.initial.string(), other.spec.name, spec.name));
  observer.on_message(
      fmt::format("starting from {}: {} of {} weights fit", options.initial.string(), taken, model.weights.size()));
  return model;
}

double learning_rate(const TrainOptions& options, std::int64_t step, double progress) {
  const double warm =
      options.warm_up > 0 ? std::min(1.0, static_cast<double>(step + 1) / static_cast<double>(options.warm_up)) : 1.0;
  if (options.optimiser == OptimiserKind::asgd) {
    // Averaging takes the place of a falling rate (Polyak & Juditsky 1992); its own schedule is nearly constant.
    const double t = static_cast<double>(step);
    return warm * options.rate / std::pow(1 + options.weight_decay * options.rate * t, 0.75);
  }
  return warm * options.rate * schedule_factor(options.schedule, progress);
}

}  // namespace twinpatch::train
