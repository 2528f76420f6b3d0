// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "twinpatch/core/code_file.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/net/model.hpp"
#include "twinpatch/net/shipped_models.hpp"

namespace twinpatch {
namespace {

namespace fs = std::filesystem;
constexpr const char* kExtension = ".safetensors";

/// $TWINPATCH_MODELS (folders separated by colons), beside the program or the Python module where it was unpacked or
/// installed, where this library was installed, where it was built.
std::vector<fs::path> folders() {
  std::vector<fs::path> result;
  const char* variable = std::getenv("TWINPATCH_MODELS");
  std::string_view list = variable == nullptr ? "" : variable;
  while (!list.empty()) {
    const auto colon = std::min(list.find(':'), list.size());
    if (colon > 0) result.emplace_back(list.substr(0, colon));
    list.remove_prefix(std::min(colon + 1, list.size()));
  }
  const fs::path models = fs::path("share") / "twinpatch" / "models";
  const fs::path file = code_file();
  if (file.extension() == ".so") {
    result.push_back(file.parent_path() / models);
  } else if (!file.empty()) {
    result.push_back(file.parent_path().parent_path() / models);
  }
  result.emplace_back(TWINPATCH_INSTALLED_MODELS);
  result.emplace_back(TWINPATCH_BUILT_MODELS);
  std::vector<fs::path> unique;
  for (const fs::path& folder : result) {
    if (std::find(unique.begin(), unique.end(), folder) == unique.end()) unique.push_back(folder);
  }
  return unique;
}

/// Names of the models in the folders, sorted. Folders that cannot be read have none.
std::set<std::string> available(const std::vector<fs::path>& all) {
  std::set<std::string> names;
  for (const fs::path& folder : all) {
    std::error_code failed;
    for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
      if (at->path().extension() == kExtension) names.insert(at->path().stem().string());
    }
  }
  return names;
}

bool is_file(const fs::path& path) {
  std::error_code failed;
  return fs::is_regular_file(path, failed);
}

/// Something with a folder or a known ending was meant as a file.
bool looks_like_path(const std::string& text) {
  const fs::path path(text);
  const std::string ending = path.extension().string();
  return path.has_parent_path() || ending == kExtension || ending == ".bin" || ending == ".t7";
}

}  // namespace

NetworkSpec find_network(const std::string& name_or_path) {
  if (!name_or_path.ends_with(".json")) return network(name_or_path);
  NetworkSpec spec = spec_from_json(read_text_file(name_or_path), name_or_path);
  check(spec);
  return spec;
}

std::vector<std::string> shipped_models() {
  const std::set<std::string> names = available(folders());
  return {names.begin(), names.end()};
}

fs::path find_model(const std::string& name_or_path) {
  if (name_or_path.empty()) throw InvalidArgument("expected the name of a model, found an empty one");
  if (is_file(name_or_path)) return name_or_path;
  if (looks_like_path(name_or_path)) {
    std::error_code failed;
    const bool exists = fs::exists(name_or_path, failed);
    throw IoError(name_or_path, exists ? "expected a model's file, found something else" : "there is no such file");
  }
  const std::vector<fs::path> all = folders();
  for (const fs::path& folder : all) {
    if (fs::path file = folder / (name_or_path + kExtension); is_file(file)) return file;
  }
  std::string looked;
  for (const fs::path& folder : all) looked += (looked.empty() ? "" : ", ") + folder.string();
  const std::set<std::string> names = available(all);
  throw IoError(name_or_path, fmt::format("no model has this name; looked in {}; found {}", looked,
                                          names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "))));
}

}  // namespace twinpatch
