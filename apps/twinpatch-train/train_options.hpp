// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "twinpatch/train/options.hpp"

namespace CLI {
class App;
}

namespace twinpatch::app {

/// What was typed: the run's options and where the model goes.
struct TrainCommand {
  TrainOptions train;
  std::string out;
  std::string license;
};

void add_train_options(CLI::App& app, TrainCommand& command);

}  // namespace twinpatch::app
