// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "apps/frame/command.hpp"
#include "apps/frame/options.hpp"
#include "apps/frame/session.hpp"
#include "twinpatch/dataset/sources.hpp"

// What the commands that make datasets share.
namespace twinpatch::app {

/// An option that shows its default.
template <class Value>
void add(Options& app, const char* name, Value& value, const char* words, const char* group) {
  app.add_option(name, value, words)->capture_default_str()->group(group);
}

void add_warp_options(Options& app, WarpOptions& warp, int& max_side);

/// Names what was left out, as lines and in `object`; partial if some of it is damaged.
ExitCode report_left_out(Session& session, const std::vector<LeftOutInput>& left_out, nlohmann::ordered_json& object);

}  // namespace twinpatch::app
