// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "apps/frame/session.hpp"
#include "twinpatch/engine/engine.hpp"

namespace twinpatch::app {

class Options;

/// Which model, and how it uses its device.
struct EngineOptions {
  std::string model = "hard128";
  ExecutionOptions execution;
};

void add_engine_options(Options& app, EngineOptions& options);
/// --device and its like, without --model.
void add_execution_options(Options& app, ExecutionOptions& options);

/// Finds and loads a model by its file or name.
[[nodiscard]] Model open_model(Session& session, const std::string& file_or_name);
/// Takes the device, and reports both in one line.
[[nodiscard]] Engine make_engine(Session& session, Model model, const ExecutionOptions& options);
/// The same of a model that is loaded first.
[[nodiscard]] Engine make_engine(Session& session, const EngineOptions& options);

/// {"name", "hash", "precision"} of the engine's model, for --json.
[[nodiscard]] nlohmann::ordered_json model_json(const Engine& engine);

/// Values that int8 rounded, and how many lay beyond their calibrated ranges: a line, and an object for --json. Nothing
/// and null where none was rounded.
void report_saturation(Session& session, const Engine& engine);
[[nodiscard]] nlohmann::ordered_json saturation_json(const Engine& engine);

/// What the devices did, where the backend counts: lines for -v, and "run" in the object that --json prints.
void report_run(Session& session, const Engine& engine, nlohmann::ordered_json& object);

}  // namespace twinpatch::app
