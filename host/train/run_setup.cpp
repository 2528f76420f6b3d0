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

namespace {

void check_kind(const TrainOptions& options, const std::filesystem::path& folder, bool has_lists) {
  const bool wanted = options.loss == LossKind::lists;
  if (has_lists && !wanted)
    throw InvalidArgument(fmt::format("{} is a dataset of candidate lists: it needs the loss lists, not {}",
                                      folder.string(), to_string(options.loss)));
  if (!has_lists && wanted)
    throw InvalidArgument(
        fmt::format("{} is no dataset of candidate lists, which the loss lists trains on; twinpatch dataset "
                    "candidates-from-... makes them",
                    folder.string()));
}

template <class Set, class Size>
void hold_out_smallest(std::vector<Set>& training, std::vector<Set>& validation, Size size, TrainObserver& observer) {
  const auto smallest = std::min_element(training.begin(), training.end(),
                                         [&](const Set& a, const Set& b) { return size(*a) < size(*b); });
  observer.on_message(fmt::format("held out for validation: {}", (*smallest)->name()));
  validation.push_back(*smallest);
  training.erase(smallest);
}

}  // namespace

LoadedScenes load_scenes(const TrainOptions& options, TrainObserver& observer) {
  const auto cache = options.cache.empty() ? default_cache_folder() : options.cache;
  const auto load = [&](const std::filesystem::path& folder, std::string_view use) {
    auto scene = std::make_shared<const Scene>(folder, cache);
    observer.on_message(fmt::format(
        "{} {}: {} patches, {} points with a match{}", use, scene->name(), scene->patches().count, scene->groups(),
        scene->single_points() > 0 ? fmt::format(" ({} with one patch are not used)", scene->single_points()) : ""));
    return scene;
  };
  const auto load_lists = [&](const std::filesystem::path& folder, std::string_view use) {
    auto lists = std::make_shared<const CandidateLists>(folder);
    observer.on_message(fmt::format("{} {}: {} lists of {}'s candidates, {} patches", use, lists->name(), lists->size(),
                                    lists->first(), lists->patches().count));
    return lists;
  };
  LoadedScenes scenes;
  for (const auto& folder : options.datasets) {
    const bool has_lists = CandidateLists::is_at(folder);
    check_kind(options, folder, has_lists);
    if (has_lists)
      scenes.lists.push_back(load_lists(folder, "train on"));
    else
      scenes.training.push_back(load(folder, "train on"));
  }
  for (const auto& folder : options.validation) {
    const bool has_lists = CandidateLists::is_at(folder);
    if (has_lists) check_kind(options, folder, true);
    if (has_lists)
      scenes.list_validation.push_back(load_lists(folder, "validate on"));
    else
      scenes.validation.push_back(load(folder, "validate on"));
  }
  for (int i = 0; i < options.hold_out; ++i) {
    if (scenes.lists.empty())
      hold_out_smallest(
          scenes.training, scenes.validation, [](const Scene& set) { return set.groups(); }, observer);
    else
      hold_out_smallest(
          scenes.lists, scenes.list_validation, [](const CandidateLists& set) { return set.size(); }, observer);
  }
  return scenes;
}

namespace {

/// A dataset's windows in σ, where they are known.
struct NamedExtent {
  std::string name;
  std::optional<float> extent;
};

std::optional<float> common_extent(const std::vector<NamedExtent>& datasets, TrainObserver& observer) {
  std::optional<float> extent;
  for (const auto& [name, own] : datasets) {
    if (!own || own == extent) continue;
    if (extent) {
      observer.on_message(fmt::format(
          "the windows of {} are {} sigma wide, those of another dataset {}: the model will carry no patch extent",
          name, *own, *extent));
      return std::nullopt;
    }
    extent = own;
  }
  return extent;
}

template <class Set>
void add_names(const std::vector<Set>& sets, std::vector<std::string>& names) {
  for (const auto& set : sets) names.push_back(set->name());
}

}  // namespace

std::optional<float> model_extent(const TrainOptions& options, const LoadedScenes& scenes, TrainObserver& observer) {
  if (options.patch_extent > 0) return static_cast<float>(options.patch_extent);
  if (!options.windows.chosen()) {
    std::vector<NamedExtent> extents;
    for (const auto& scene : scenes.training) extents.push_back({scene->name(), scene->patch_extent()});
    for (const auto& lists : scenes.lists) extents.push_back({lists->name(), lists->patch_extent()});
    return common_extent(extents, observer);
  }
  observer.on_message("windows of many sizes: the model will carry no patch extent (--patch-extent gives it one)");
  return std::nullopt;
}

std::vector<std::string> training_names(const LoadedScenes& scenes) {
  std::vector<std::string> names;
  add_names(scenes.training, names);
  add_names(scenes.lists, names);
  return names;
}

std::vector<std::string> validation_names(const LoadedScenes& scenes) {
  std::vector<std::string> names;
  add_names(scenes.validation, names);
  add_names(scenes.list_validation, names);
  return names;
}

void check_patch_size(const NetworkSpec& spec, const LoadedScenes& scenes) {
  const auto check_one = [&](const auto& set) {
    const PatchView patches = set.patches();
    if (!spec.input || (spec.input->height == patches.height && spec.input->width == patches.width)) return;
    throw ShapeError(fmt::format("{} takes patches of {}×{}, those of {} are {}×{}", spec.name, spec.input->width,
                                 spec.input->height, set.folder().string(), patches.width, patches.height));
  };
  for (const auto& scene : scenes.training) check_one(*scene);
  for (const auto& lists : scenes.lists) check_one(*lists);
  for (const auto& lists : scenes.list_validation) check_one(*lists);
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
