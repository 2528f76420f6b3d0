// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apps/frame/session.hpp"

namespace twinpatch::app {

class Options;

/// Options of these groups are shown by the brief help.
inline constexpr const char* kArgumentGroup = "Arguments";
inline constexpr const char* kMainGroup = "Options";
inline constexpr const char* kRunGroup = "Every command";

void add_run_options(Options& app, RunOptions& options);

}  // namespace twinpatch::app
