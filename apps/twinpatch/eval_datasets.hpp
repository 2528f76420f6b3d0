// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/frame/command.hpp"
#include "apps/frame/session.hpp"
#include "apps/twinpatch/engine_options.hpp"
#include "apps/twinpatch/patch_input.hpp"
#include "apps/twinpatch/photograph.hpp"
#include "twinpatch/evaluate/comparer.hpp"

namespace twinpatch::app {

class Options;

struct EvalOptions {
  EngineOptions engine;
  std::string dataset;
  std::string pairs;
  std::string report;
  std::string tasks;        ///< folder of HPatches' task files
  std::string split = "a";  ///< of HPatches
  std::vector<std::string> beside;
  int max_keypoints = 2000;
  std::optional<float> extent;
  int candidates = 20;
  std::string rerank;  ///< second network of two stages
  std::string fit;     ///< where to write it with the weights of both, fitted on the dataset
  bool no_baselines = false;
  bool snn = false;
};

/// What is compared, and what --json says of it.
struct Compared {
  std::vector<std::unique_ptr<Comparer>> comparers;
  std::vector<bool> sees_pairs;               ///< of each comparer: it has no descriptors, a large grid takes it hours
  std::vector<std::optional<float>> extents;  ///< of each: the window its model was trained on
  nlohmann::ordered_json models =
      nlohmann::ordered_json::array();           ///< {"name", "network", "hash", "precision"} of each model
  std::vector<std::shared_ptr<Engine>> engines;  ///< of each model
  std::string device;
};
/// The model, those beside it and the baselines, in this order: every table begins with the one that was asked for.
[[nodiscard]] Compared make_comparers(Session& session, const EvalOptions& options);

/// Afterwards: what int8 rounded beyond its calibrated ranges, as lines and in `compared.models`.
void report_saturation(Session& session, Compared& compared);

/// One function, and one file, per kind of dataset.
[[nodiscard]] ExitCode eval_photo_tour(Session& session, const EvalOptions& options);
[[nodiscard]] ExitCode eval_hpatches(Session& session, const EvalOptions& options);
[[nodiscard]] ExitCode eval_sequences(Session& session, const EvalOptions& options);

/// Sequences that can be evaluated; what they and the others lack is named (and put into `missing`) before the work.
[[nodiscard]] std::vector<std::filesystem::path> usable_sequences(Session& session, const std::string& dataset,
                                                                  std::vector<std::string>& missing);
/// Fits the weights of --rerank's two stages on image sequences and writes the model that has them.
[[nodiscard]] ExitCode fit_two_stages(Session& session, const EvalOptions& options);

}  // namespace twinpatch::app
