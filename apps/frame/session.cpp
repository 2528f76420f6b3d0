// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/frame/session.hpp"

#include <spdlog/details/log_msg.h>
#include <spdlog/sinks/base_sink.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <mutex>

#include "twinpatch/core/error.hpp"

namespace twinpatch::app {
namespace {

const char* label(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::err:
    case spdlog::level::critical:
      return "error";
    case spdlog::level::warn:
      return "warning";
    case spdlog::level::debug:
    case spdlog::level::trace:
      return "detail";
    default:
      return "info";
  }
}

/// Log lines on the screen, above the progress bar.
class ScreenSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  ScreenSink(Screen& screen, LogFormat format, std::string command)
      : screen_(screen), format_(format), command_(std::move(command)) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const std::string_view text(message.payload.data(), message.payload.size());
    screen_.line(format_ == LogFormat::json ? as_json(message, text) : as_text(message.level, text));
  }
  void flush_() override {}

 private:
  [[nodiscard]] std::string as_text(spdlog::level::level_enum level, std::string_view text) const {
    if (level < spdlog::level::warn) return std::string(text);
    if (!screen_.has_color()) return fmt::format("{}: {}", label(level), text);
    return fmt::format("\x1b[1;{}m{}:\x1b[0m {}", level == spdlog::level::warn ? 33 : 31, label(level), text);
  }
  [[nodiscard]] std::string as_json(const spdlog::details::log_msg& message, std::string_view text) const {
    const double time = std::chrono::duration<double>(message.time.time_since_epoch()).count();
    const nlohmann::ordered_json object{
        {"time", time}, {"level", label(message.level)}, {"command", command_}, {"message", std::string(text)}};
    return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  }
  Screen& screen_;
  LogFormat format_;
  std::string command_;
};

ProgressStyle effective_style(const RunOptions& options) {
  return options.quiet && options.progress == ProgressStyle::automatic ? ProgressStyle::none : options.progress;
}

}  // namespace

Session::Session(std::string command, const RunOptions& options)
    : command_(std::move(command)), options_(options), progress_(screen_, effective_style(options)) {
  logger_ = std::make_unique<spdlog::logger>("twinpatch",
                                             std::make_shared<ScreenSink>(screen_, options.log_format, command_));
  // It would print what went wrong in its own format; a line that memory does not suffice for is left out.
  logger_->set_error_handler([](const std::string&) {});
  logger_->set_level(options.quiet         ? spdlog::level::warn
                     : options.verbose > 0 ? spdlog::level::debug
                                           : spdlog::level::info);
  interrupt_ = std::make_unique<InterruptWatch>(
      [this] { warn("stopping at the next clean point; press Ctrl-C again to stop immediately"); });
  control_ = {interrupt_->token(), &progress_};
}

Session::~Session() = default;

void Session::log(spdlog::level::level_enum level, std::string_view text) { logger_->log(level, one_line(text)); }

void Session::no_effect(std::initializer_list<std::string_view> options, std::string_view why) {
  for (const auto option : options) {
    if (typed_.contains(option)) warn("{} has no effect: {}", option, why);
  }
}

void Session::print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) {
    throw IoError("standard output", "cannot write", errno);
  }
}

void Session::print_json(const std::string& schema, const nlohmann::ordered_json& object) {
  nlohmann::ordered_json whole{{"schema", schema}};
  whole.update(object);
  // Paths may be any bytes; JSON is UTF-8.
  print(whole.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

void Session::flush() {
  if (std::fflush(stdout) != 0) throw IoError("standard output", "cannot write", errno);
}

}  // namespace twinpatch::app
