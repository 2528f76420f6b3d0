// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/frame/run_options.hpp"

#include <map>
#include <string>
#include "apps/frame/options.hpp"

namespace twinpatch::app {
namespace {

const std::map<std::string, ProgressStyle> kStyles = {{"auto", ProgressStyle::automatic},
                                                      {"plain", ProgressStyle::plain},
                                                      {"json", ProgressStyle::json},
                                                      {"none", ProgressStyle::none}};
const std::map<std::string, LogFormat> kFormats = {{"text", LogFormat::text}, {"json", LogFormat::json}};

/// An option that takes one of a few words.
template <class T>
Option* add_choice(Options& app, const std::string& name, T& target, const std::map<std::string, T>& choices,
                   const std::string& description) {
  std::string names;
  for (const auto& [word, value] : choices) names += (names.empty() ? "" : ", ") + word;
  const auto parse = [name, names, choices, &target](const std::string& word) {
    const auto found = choices.find(word);
    if (found == choices.end()) throw InvalidArgument(name + ": \"" + word + "\" is not one of " + names);
    target = found->second;
  };
  return app.add_option_function(name, parse, description)->group(kRunGroup);
}

}  // namespace

void add_run_options(Options& app, RunOptions& options) {
  app.add_flag("--json", options.json, "one JSON object with \"schema\" on standard output")->group(kRunGroup);
  app.add_option("--seed", options.seed, "seed of random numbers")
      ->type_name("N")
      ->default_str(std::to_string(options.seed))
      ->group(kRunGroup);
  app.add_flag("-q,--quiet", options.quiet, "only warnings and errors on standard error")->group(kRunGroup);
  app.add_flag("-v,--verbose", options.verbose, "more details")->group(kRunGroup);
  add_choice(app, "--progress", options.progress, kStyles,
             "auto (a bar on a terminal, else a line every 30 s), plain, json or none")
      ->type_name("STYLE")
      ->default_str("auto");
  add_choice(app, "--log-format", options.log_format, kFormats, "text or json: one object per line")
      ->type_name("FORMAT")
      ->default_str("text");
}

}  // namespace twinpatch::app
