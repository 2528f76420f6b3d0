// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/frame/help.hpp"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <algorithm>
#include <utility>

#include "apps/frame/options.hpp"
#include "apps/frame/run_options.hpp"

namespace twinpatch::app {
namespace {

constexpr std::size_t kLineWidth = 100;

struct Style {
  bool color = false;
  [[nodiscard]] std::string heading(const std::string& text) const {
    return color ? fmt::format("\x1b[1m{}\x1b[0m\n", text) : text + "\n";
  }
  [[nodiscard]] std::string dim(const std::string& text) const {
    return color ? fmt::format("\x1b[2m{}\x1b[0m", text) : text;
  }
};

/// Breaks `text` at spaces so that no line is longer than kLineWidth; lines after the first start at `indent`.
std::string wrap(const std::string& text, std::size_t indent) {
  std::string out;
  std::size_t column = indent;
  std::size_t begin = 0;
  while (begin < text.size()) {
    std::size_t end = text.find_first_of(" \n", begin);
    if (end == std::string::npos) end = text.size();
    const std::size_t length = end - begin;
    if (column > indent && column + 1 + length > kLineWidth) {
      out += '\n' + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out.append(text, begin, length);
    column += length;
    if (end < text.size() && text[end] == '\n') {
      out += '\n' + std::string(indent, ' ');
      column = indent;
    }
    begin = end + 1;
  }
  return out;
}

std::string table(const std::vector<std::pair<std::string, std::string>>& rows) {
  constexpr std::size_t kWidest = 30;
  std::size_t width = 0;
  for (const auto& [left, right] : rows) width = std::max(width, std::min(left.size(), kWidest));
  std::string out;
  for (const auto& [left, right] : rows) {
    out += "  " + left;
    const std::size_t indent = width + 4;
    out += left.size() > width ? '\n' + std::string(indent, ' ') : std::string(width + 2 - left.size(), ' ');
    out += wrap(right, indent) + '\n';
  }
  return out;
}

std::string type_of(const CLI::Option& option) {
  if (option.get_expected_max() == 0) return {};  // a flag
  const std::string type = option.get_type_name();
  return type.empty() ? " X" : " " + type;
}

std::string left_column(const CLI::Option& option) {
  if (option.get_positional()) return option.get_name();
  std::string names;
  for (const auto& name : option.get_snames()) names += (names.empty() ? "-" : ", -") + name;
  for (const auto& name : option.get_lnames()) names += (names.empty() ? "    --" : ", --") + name;
  return names + type_of(option);
}

std::string right_column(const CLI::Option& option) {
  std::string text = option.get_description();
  if (!option.get_default_str().empty()) text += fmt::format(" [{}]", option.get_default_str());
  return text;
}

std::vector<std::string> groups_of(const CLI::App& app) {
  std::vector<std::string> groups;
  for (const auto* option : app.get_options()) {
    const std::string group = option->get_group();
    if (!group.empty() && std::find(groups.begin(), groups.end(), group) == groups.end()) groups.push_back(group);
  }
  return groups;
}

std::string options_text(const CLI::App& app, HelpLength length, const Style& style) {
  std::string out;
  for (const auto& group : groups_of(app)) {
    if (length == HelpLength::brief && group != kMainGroup && group != kArgumentGroup) continue;
    std::vector<std::pair<std::string, std::string>> rows;
    for (const auto* option : app.get_options()) {
      if (option->get_group() == group) rows.emplace_back(left_column(*option), right_column(*option));
    }
    out += '\n' + style.heading(group) + table(rows);
  }
  return out;
}

std::string usage_line(const CLI::App& app, const std::string& path) {
  std::string out = path;
  for (const auto* option : app.get_options()) {
    if (!option->get_positional()) continue;
    out += ' ' + option->get_name() + (option->get_expected_max() > 1 ? "..." : "");
  }
  return out + " [options]";
}

std::string examples_text(const std::vector<Example>& examples, std::size_t most, const Style& style) {
  if (examples.empty()) return {};
  std::string out = '\n' + style.heading("Examples");
  for (std::size_t i = 0; i < std::min(most, examples.size()); ++i) {
    out += fmt::format("  {}\n    {}\n", style.dim("# " + examples[i].words), examples[i].command);
  }
  return out;
}

std::string group_help(const Command& command, const std::string& path, const Style& style) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const auto& child : command.children) rows.emplace_back(child.name, child.summary);
  return fmt::format("\n{}  {} COMMAND [options]\n\n{}{}\nMore: {} help COMMAND\n", style.heading("Usage"), path,
                     style.heading("Commands"), table(rows), path.substr(0, path.find(' ')));
}

}  // namespace

std::string help_text(const Command& command, const std::string& path, HelpLength length, bool color) {
  const Style style{color};
  const std::size_t most = length == HelpLength::brief ? 3 : command.examples.size();
  std::string out = fmt::format("{}: {}\n", path, command.summary) + examples_text(command.examples, most, style);
  if (!command.children.empty()) {
    out += group_help(command, path, style);
  } else {
    Options options;
    (void)command.add_options(options);
    RunOptions run;
    add_run_options(options, run);
    const CLI::App& app = options.parser();
    out += '\n' + style.heading("Usage") + "  " + usage_line(app, path) + '\n' + options_text(app, length, style);
    if (length == HelpLength::brief) out += fmt::format("\nEvery option: {} --help\n", path);
  }
  if (length == HelpLength::full && !command.notes.empty())
    out += '\n' + style.heading("Notes") + "  " + wrap(command.notes, 2) + '\n';
  return out;
}

}  // namespace twinpatch::app
