// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

// The command line's options. CLI11 parses them and is included by the frame alone: its header is the largest part of
// what a file that declares options would take to compile.

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace twinpatch::app {

/// An option or argument of a command, as it is declared; each call returns the option itself.
class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}
  /// Heading under which the help lists it; empty: not listed.
  Option* group(const std::string& name);
  /// Placeholder of its value in the help ("FILE").
  Option* type_name(const std::string& name);
  Option* required();
  /// The default as the help shows it.
  Option* default_str(const std::string& text);
  /// Shows what the target holds now as the default.
  Option* capture_default_str();
  /// Takes this many values, −1: any number.
  Option* expected(int count);
  Option* expected(int least, int most);
  /// Its value is a file to write: "-" means standard output.
  Option* or_standard_output();
  /// Its value is written, but cannot be standard output: a folder, the start of several files' names, a file that is
  /// not written front to back. "-" is refused.
  Option* never_standard_output();
  /// How often it was given.
  [[nodiscard]] std::size_t count() const;

 private:
  CLI::Option* option_;
};

/// The options of one command. Targets must live until the command has run.
class Options {
 public:
  Options();
  ~Options();
  Options(const Options&) = delete;             // options point into it
  Options& operator=(const Options&) = delete;  // likewise

  /// `names`: "-o,--out", or "INPUT" for an argument without dashes. Value is one of the types that options.cpp
  /// instantiates this for.
  template <class Value>
  Option* add_option(const std::string& names, Value& target, const std::string& words);
  /// The value goes to `parse`, which throws InvalidArgument where it does not understand it.
  Option* add_option_function(const std::string& names, const std::function<void(const std::string&)>& parse,
                              const std::string& words);
  /// An option that takes one of some words, "plain" or "kind:REST" (any text for REST), or none, which means the first
  /// one. What follows it is its value only if it is such a word, what is joined to it by "=" always. The word goes to
  /// `parse`.
  Option* add_word_option(const std::string& name, const std::vector<std::string>& words,
                          const std::function<void(const std::string&)>& parse, const std::string& help);
  /// "!--no-x" sets false.
  Option* add_flag(const std::string& names, bool& target, const std::string& words);
  /// Counts how often it is given.
  Option* add_flag(const std::string& names, int& target, const std::string& words);
  Option* add_flag_callback(const std::string& names, const std::function<void()>& call, const std::string& words);

  /// For the frame, which parses and explains them: the arguments, with the value of every word option joined by "=".
  [[nodiscard]] std::vector<std::string> joined(const std::vector<std::string>& arguments) const;
  /// "--x: expected a or b, found c" of an argument that nothing takes right behind a word option; else empty.
  [[nodiscard]] std::string no_word(const std::string& extra, const std::vector<std::string>& arguments) const;
  [[nodiscard]] CLI::App& parser() { return *parser_; }

 private:
  Option* keep(CLI::Option* option);
  std::unique_ptr<CLI::App> parser_;
  std::deque<Option> options_;
  std::map<std::string, std::vector<std::string>> words_;  ///< of the word options
};

}  // namespace twinpatch::app
