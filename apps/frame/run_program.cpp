// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <system_error>

#include "apps/frame/command.hpp"
#include "apps/frame/help.hpp"
#include "apps/frame/options.hpp"
#include "apps/frame/run_options.hpp"
#include "apps/frame/session.hpp"
#include "apps/frame/suggest.hpp"

namespace twinpatch::app {
namespace {

/// A command as it was called: itself, its full name, and the arguments behind it.
struct Call {
  const Command* command = nullptr;
  std::string path;
  std::vector<std::string> arguments;
};

std::string did_you_mean(const std::string& typed, const std::vector<std::string>& candidates) {
  const std::string guess = nearest(typed, candidates);
  return guess.empty() ? std::string() : fmt::format("; did you mean \"{}\"?", guess);
}

std::vector<std::string> names_of(const std::vector<Command>& commands) {
  std::vector<std::string> names;
  names.reserve(commands.size());
  for (const auto& command : commands) names.push_back(command.name);
  return names;
}

const Command& child_named(const Command& parent, const std::string& path, const std::string& name) {
  for (const auto& child : parent.children) {
    if (child.name == name) return child;
  }
  throw UsageError(
      fmt::format("{} has no command \"{}\"{}", path, name, did_you_mean(name, names_of(parent.children))));
}

bool is_option(const std::string& argument) { return argument.size() > 1 && argument[0] == '-'; }

/// Walks down the tree as far as the arguments name commands.
Call find_call(const Command& root, std::vector<std::string> arguments) {
  Call call{&root, root.name, std::move(arguments)};
  while (!call.command->children.empty() && !call.arguments.empty() && !is_option(call.arguments.front())) {
    call.command = &child_named(*call.command, call.path, call.arguments.front());
    call.path += ' ' + call.command->name;
    call.arguments.erase(call.arguments.begin());
  }
  return call;
}

void print(std::FILE* stream, const std::string& text) { std::fwrite(text.data(), 1, text.size(), stream); }

void print_help(const Call& call, HelpLength length) {
  print(stdout, help_text(*call.command, call.path, length, stream_has_color(STDOUT_FILENO)));
}

/// Help that was asked for in any of the usual ways; true if that was all.
bool answered_by_help(const Call& call) {
  for (const auto& argument : call.arguments) {
    if (argument == "--") return false;
    if (argument == "--help" || argument == "-h") {
      print_help(call, argument == "-h" ? HelpLength::brief : HelpLength::full);
      return true;
    }
  }
  return false;
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names{"--help"};
  for (const auto* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

/// Unknown options are looked for before anything else: a misspelt one must not be reported as a missing other one.
void check_option_names(const CLI::App& app, const std::vector<std::string>& arguments) {
  for (const auto& argument : arguments) {
    if (argument == "--") return;
    if (!argument.starts_with("--")) continue;
    const std::string name = argument.substr(0, argument.find('='));
    if (app.get_option_no_throw(name) != nullptr) continue;
    throw UsageError(fmt::format("unknown option {}{}", name, did_you_mean(name, option_names(app))));
  }
}

/// CLI11 says "Could not convert: --top = x".
std::string not_understood(const std::string& words) {
  const std::size_t colon = words.find(": ");
  const std::size_t equals = words.find(" = ");
  if (colon == std::string::npos || equals == std::string::npos || equals < colon) return words;
  return fmt::format("{}: expected a number, found \"{}\"", words.substr(colon + 2, equals - colon - 2),
                     words.substr(equals + 3));
}

/// CLI11 says "--out: 1 required PREFIX missing", or of one that is given twice: "--out: expected 1 argument, got 2".
std::string wrong_count(const CLI::App& app, const std::string& words) {
  const std::string name = words.substr(0, words.find(':'));
  const auto* option = app.get_option_no_throw(name);
  if (option == nullptr) return words;
  if (option->count() > 1) return fmt::format("{} is given {} times, expected once", name, option->count());
  return fmt::format("{} needs a value: {}", name, option->get_type_name());
}

void parse(Options& options, const std::vector<std::string>& arguments) {
  CLI::App& app = options.parser();
  app.allow_extras();
  check_option_names(app, arguments);
  try {
    const std::vector<std::string> joined = options.joined(arguments);
    app.parse(std::vector<std::string>(joined.rbegin(), joined.rend()));  // CLI11 takes them last first
  } catch (const CLI::ConversionError& error) {
    throw UsageError(not_understood(error.what()));
  } catch (const CLI::ArgumentMismatch& error) {
    throw UsageError(wrong_count(app, error.what()));
  } catch (const CLI::ParseError& error) {
    throw UsageError(error.what());
  } catch (const InvalidArgument& error) {
    throw UsageError(error.what());
  }
  bool options_ended = false;
  for (const auto& extra : app.remaining()) {
    if (extra == "--" && !options_ended) {  // CLI11 hands back the mark itself as well
      options_ended = true;
      continue;
    }
    if (const std::string words = options.no_word(extra, arguments); !words.empty()) throw UsageError(words);
    throw UsageError(is_option(extra) && !options_ended ? "unknown option " + extra
                                                        : fmt::format("unexpected argument \"{}\"", extra));
  }
}

/// Libraries' exceptions may tell several lines.
std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

/// What an exception means to the caller of the program.
ExitCode report(Session& session) {
  try {
    throw;
  } catch (const UsageError& error) {
    session.error(fmt::format("{} (see {} --help)", error.what(), session.command()));
    return ExitCode::usage;
  } catch (const Interrupted&) {
    session.error("interrupted");
    return ExitCode::interrupted;
  } catch (const std::system_error& error) {
    const bool threads = error.code() == std::errc::resource_unavailable_try_again;
    session.error(threads ? fmt::format("cannot start a thread: {} (is the number of processes limited? ulimit -u)",
                                        error.code().message())
                          : std::string(error.what()));
  } catch (const std::bad_alloc&) {
    session.error("out of memory; a smaller --memory or --batch may help");
  } catch (const std::exception& error) {
    session.error(one_line(error.what()));
  }
  return ExitCode::failed;
}

bool wants_arguments(const CLI::App& app) {
  for (const auto* option : app.get_options()) {
    if (option->get_required()) return true;
  }
  return false;
}

std::set<std::string, std::less<>> typed_options(const CLI::App& app) {
  std::set<std::string, std::less<>> typed;
  for (const auto* option : app.get_options()) {
    if (option->count() == 0) continue;
    for (const auto& name : option->get_lnames()) typed.insert("--" + name);
  }
  return typed;
}

ExitCode run_call(const Call& call) {
  Options declared;
  const Run run = call.command->add_options(declared);
  RunOptions options;
  add_run_options(declared, options);
  CLI::App& app = declared.parser();
  if (call.arguments.empty() && wants_arguments(app)) {
    print(stderr, help_text(*call.command, call.path, HelpLength::brief, stream_has_color(STDERR_FILENO)));
    return ExitCode::usage;
  }
  try {
    parse(declared, call.arguments);
  } catch (const UsageError&) {
    Session session(call.path, {});
    return report(session);
  }
  Session session(call.path, options);
  session.set_typed(typed_options(app));
  try {
    const ExitCode code = run(session);
    session.flush();
    return code;
  } catch (...) {
    return report(session);
  }
}

/// "twinpatch help model show": the command is named by what follows.
Call find_help_call(const Command& root, const std::vector<std::string>& arguments) {
  return find_call(root, {arguments.begin() + 1, arguments.end()});
}

ExitCode run_group(const Call& call) {
  if (call.arguments.empty()) {
    print_help(call, HelpLength::brief);
    return ExitCode::done;
  }
  const std::string& typed = call.arguments.front();
  throw UsageError(
      fmt::format("{} has no option {}{}", call.path, typed, did_you_mean(typed, {"--help", "--version"})));
}

ExitCode dispatch(const Command& root, const std::string& version, const std::vector<std::string>& arguments) {
  if (!arguments.empty() && (arguments[0] == "--version" || arguments[0] == "-V")) {
    print(stdout, fmt::format("{} {}\n", root.name, version));
    return ExitCode::done;
  }
  if (!arguments.empty() && arguments[0] == "help" && !root.children.empty()) {
    print_help(find_help_call(root, arguments), HelpLength::full);
    return ExitCode::done;
  }
  const Call call = find_call(root, arguments);
  if (answered_by_help(call)) return ExitCode::done;
  return call.command->children.empty() ? run_call(call) : run_group(call);
}

/// Some functions of CLI11 and nlohmann-json allocate although they are noexcept: without memory they terminate.
[[noreturn]] void say_why_terminated() {
  try {
    if (std::current_exception() != nullptr) throw;
  } catch (const std::bad_alloc&) {
    (void)std::fputs("error: out of memory\n", stderr);
    std::_Exit(static_cast<int>(ExitCode::failed));
  } catch (...) {
    std::abort();
  }
  std::abort();
}

}  // namespace

int run_program(const Command& root, const std::string& version, int argc, const char* const* argv) {
  std::set_terminate(&say_why_terminated);
  const std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  try {
    return static_cast<int>(dispatch(root, version, arguments));
  } catch (const UsageError& error) {
    Session session(root.name, {});
    session.error(fmt::format("{} (see {} --help)", error.what(), root.name));
    return static_cast<int>(ExitCode::usage);
  } catch (const std::bad_alloc&) {
    throw;  // to where nothing is allocated any more
  } catch (const std::exception& error) {
    print(stderr, fmt::format("error: {}\n", error.what()));
    return static_cast<int>(ExitCode::failed);
  }
}

}  // namespace twinpatch::app
