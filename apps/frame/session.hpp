// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>
#include <spdlog/logger.h>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>

#include "apps/frame/interrupt.hpp"
#include "apps/frame/progress.hpp"
#include "apps/frame/screen.hpp"
#include "twinpatch/core/run_control.hpp"

namespace twinpatch::app {

class Options;

enum class LogFormat { text, json };

/// Options that every command has.
struct RunOptions {
  bool json = false;
  bool quiet = false;
  int verbose = 0;
  std::uint64_t seed = 1;
  ProgressStyle progress = ProgressStyle::automatic;
  LogFormat log_format = LogFormat::text;
};

/// What a running command talks to: data on standard output, words on standard error, progress, and the wish to stop.
class Session {
 public:
  Session(std::string command, const RunOptions& options);
  ~Session();

  [[nodiscard]] const RunOptions& options() const noexcept { return options_; }
  [[nodiscard]] const RunControl& control() const noexcept { return control_; }
  [[nodiscard]] const std::string& command() const noexcept { return command_; }

  /// One line for the user; silent with --quiet.
  template <class... Args>
  void info(fmt::format_string<Args...> text, Args&&... args) {
    log(spdlog::level::info, fmt::format(text, std::forward<Args>(args)...));
  }
  /// Shown with -v.
  template <class... Args>
  void detail(fmt::format_string<Args...> text, Args&&... args) {
    log(spdlog::level::debug, fmt::format(text, std::forward<Args>(args)...));
  }
  /// Shown with --quiet too.
  template <class... Args>
  void warn(fmt::format_string<Args...> text, Args&&... args) {
    log(spdlog::level::warn, fmt::format(text, std::forward<Args>(args)...));
  }
  void error(std::string_view text) { log(spdlog::level::err, text); }

  /// Warns of those of `options` that were typed although they change nothing in this run, and says why. Every command
  /// says so in this way.
  void no_effect(std::initializer_list<std::string_view> options, std::string_view why);
  /// Long names of the options that were typed ("--json").
  void set_typed(std::set<std::string, std::less<>> options) { typed_ = std::move(options); }

  /// Data: goes to standard output as it is. Throws IoError where that is full or closed.
  void print(std::string_view text);
  /// The one object of --json: `schema` ("twinpatch.match/1") comes first.
  void print_json(const std::string& schema, const nlohmann::ordered_json& object);
  /// Pushes out what was printed; throws as print does.
  void flush();

 private:
  void log(spdlog::level::level_enum level, std::string_view text);

  std::string command_;
  RunOptions options_;
  std::set<std::string, std::less<>> typed_;
  Screen screen_;
  ProgressReport progress_;
  std::unique_ptr<spdlog::logger> logger_;
  std::unique_ptr<InterruptWatch> interrupt_;
  RunControl control_;
};

}  // namespace twinpatch::app
