// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "twinpatch/train/options.hpp"

namespace twinpatch::app {

class Options;

/// What was typed: the run's options and where the model goes.
struct TrainCommand {
  TrainOptions train;
  std::string out;
  std::string license;
};

void add_train_options(Options& app, TrainCommand& command);

}  // namespace twinpatch::app
