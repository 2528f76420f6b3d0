// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/frame/options.hpp"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "apps/frame/command.hpp"

namespace twinpatch::app {
namespace {

/// Whether it is one of the words, or "kind:" and more for a word "kind:REST".
bool is_word(const std::string& text, const std::vector<std::string>& words) {
  return std::ranges::any_of(words, [&](const std::string& word) {
    const std::size_t colon = word.find(':');
    if (colon == std::string::npos) return text == word;
    return text.size() > colon + 1 && text.starts_with(word.substr(0, colon + 1));
  });
}

/// "--x: expected a, b or c, found d".
std::string not_a_word(const std::string& name, const std::vector<std::string>& words, const std::string& found) {
  std::string expected;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) expected += i + 1 == words.size() ? " or " : ", ";
    expected += words[i];
  }
  return fmt::format("{}: expected {}, found {}", name, expected, found);
}

}  // namespace

Option* Option::group(const std::string& name) {
  option_->group(name);
  return this;
}
Option* Option::type_name(const std::string& name) {
  option_->type_name(name);
  return this;
}
Option* Option::required() {
  option_->required();
  return this;
}
Option* Option::default_str(const std::string& text) {
  option_->default_str(text);
  return this;
}
Option* Option::capture_default_str() {
  option_->capture_default_str();
  return this;
}
Option* Option::expected(int count) {
  option_->expected(count);
  return this;
}
Option* Option::expected(int least, int most) {
  option_->expected(least, most);
  return this;
}
Option* Option::or_standard_output() {
  option_->transform([](const std::string& path) { return path == "-" ? std::string("/dev/stdout") : path; });
  return this;
}
Option* Option::never_standard_output() {
  option_->check([](const std::string& path) {
    return path == "-" ? std::string("standard output (\"-\") cannot take what is written here; give a name")
                       : std::string();
  });
  return this;
}
std::size_t Option::count() const { return option_->count(); }

Options::Options() : parser_(std::make_unique<CLI::App>()) { parser_->set_help_flag(); }
Options::~Options() = default;

Option* Options::keep(CLI::Option* option) { return &options_.emplace_back(option); }

template <class Value>
Option* Options::add_option(const std::string& names, Value& target, const std::string& words) {
  return keep(parser_->add_option(names, target, words));
}
template Option* Options::add_option(const std::string&, std::string&, const std::string&);
template Option* Options::add_option(const std::string&, std::filesystem::path&, const std::string&);
template Option* Options::add_option(const std::string&, int&, const std::string&);
template Option* Options::add_option(const std::string&, std::int64_t&, const std::string&);
template Option* Options::add_option(const std::string&, std::uint64_t&, const std::string&);
template Option* Options::add_option(const std::string&, float&, const std::string&);
template Option* Options::add_option(const std::string&, double&, const std::string&);
template Option* Options::add_option(const std::string&, std::optional<int>&, const std::string&);
template Option* Options::add_option(const std::string&, std::optional<std::int64_t>&, const std::string&);
template Option* Options::add_option(const std::string&, std::optional<float>&, const std::string&);
template Option* Options::add_option(const std::string&, std::optional<double>&, const std::string&);
template Option* Options::add_option(const std::string&, std::vector<std::int64_t>&, const std::string&);
template Option* Options::add_option(const std::string&, std::vector<std::string>&, const std::string&);
template Option* Options::add_option(const std::string&, std::vector<std::filesystem::path>&, const std::string&);

Option* Options::add_option_function(const std::string& names, const std::function<void(const std::string&)>& parse,
                                     const std::string& words) {
  return keep(parser_->add_option_function<std::string>(names, parse, words));
}

Option* Options::add_word_option(const std::string& name, const std::vector<std::string>& words,
                                 const std::function<void(const std::string&)>& parse, const std::string& help) {
  words_.emplace(name, words);
  const auto check_and_parse = [words, parse, name](const std::string& word) {
    if (!is_word(word, words)) throw UsageError(not_a_word(name, words, word));
    parse(word);
  };
  return add_option_function(name, check_and_parse, help);
}

std::vector<std::string> Options::joined(const std::vector<std::string>& arguments) const {
  std::vector<std::string> result;
  bool options_ended = false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    result.push_back(arguments[i]);
    options_ended = options_ended || arguments[i] == "--";
    const auto option = words_.find(arguments[i]);
    if (options_ended || option == words_.end()) continue;
    const bool followed = i + 1 < arguments.size() && is_word(arguments[i + 1], option->second);
    result.back() += '=' + (followed ? arguments[++i] : option->second.front());
  }
  return result;
}

std::string Options::no_word(const std::string& extra, const std::vector<std::string>& arguments) const {
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const auto option = words_.find(arguments[i - 1]);
    if (arguments[i] == extra && option != words_.end()) return not_a_word(option->first, option->second, extra);
  }
  return {};
}

Option* Options::add_flag(const std::string& names, bool& target, const std::string& words) {
  return keep(parser_->add_flag(names, target, words));
}

Option* Options::add_flag(const std::string& names, int& target, const std::string& words) {
  return keep(parser_->add_flag(names, target, words));
}

Option* Options::add_flag_callback(const std::string& names, const std::function<void()>& call,
                                   const std::string& words) {
  return keep(parser_->add_flag_callback(names, call, words));
}

}  // namespace twinpatch::app
