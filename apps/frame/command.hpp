// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "twinpatch/core/error.hpp"

// What a program of this project is made of: a tree of commands, each with its options and what it does.

namespace twinpatch::app {

class Options;

class Session;

enum class ExitCode { done = 0, failed = 1, usage = 2, partial = 3, interrupted = 130 };

/// The command line itself makes no sense. Ends with exit code 2 and a pointer to the command's help.
class UsageError : public Error {
 public:
  using Error::Error;
};

struct Example {
  std::string words;    ///< what it does
  std::string command;  ///< as typed
};

/// Does a command's work, with options that were parsed before.
using Run = std::function<ExitCode(Session&)>;

/// One command, or a group of commands (then `children` is not empty and nothing else runs).
struct Command {
  std::string name;
  std::string summary;            ///< one line, lower case, no full stop
  std::vector<Example> examples;  ///< the most useful first
  std::string notes;              ///< conventions and file layouts, shown by --help
  /// Registers the options of a fresh run; the returned function sees what was parsed into them.
  std::function<Run(Options&)> add_options;
  std::vector<Command> children;
};

/// The whole of main(): finds the command, parses, runs, and turns whatever happens into words and an exit code.
[[nodiscard]] int run_program(const Command& root, const std::string& version, int argc, const char* const* argv);

}  // namespace twinpatch::app
