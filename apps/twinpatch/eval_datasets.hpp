// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "apps/frame/command.hpp"
#include "apps/frame/session.hpp"
#include "apps/twinpatch/engine_options.hpp"
#include "apps/twinpatch/patch_input.hpp"

namespace twinpatch::app {

struct EvalOptions {
  EngineOptions engine;
  std::string dataset;
  std::string pairs;
  std::string report;
  bool no_baselines = false;
};

/// One function, and one file, per kind of dataset.
[[nodiscard]] ExitCode eval_photo_tour(Session& session, const EvalOptions& options);
[[nodiscard]] ExitCode eval_hpatches(Session& session, const EvalOptions& options);

}  // namespace twinpatch::app
