// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "apps/frame/command.hpp"

namespace twinpatch::app {

/// `brief`: what one needs to start. `full`: every option and the conventions.
enum class HelpLength { brief, full };

/// Help of one command; `path` is how it is called ("twinpatch model show").
[[nodiscard]] std::string help_text(const Command& command, const std::string& path, HelpLength length, bool color);

}  // namespace twinpatch::app
