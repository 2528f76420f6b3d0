// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "twinpatch/core/file.hpp"
#include "twinpatch/sfm/openmvg.hpp"

namespace twinpatch {
namespace {

using Json = nlohmann::json;

class ProjectReader {
 public:
  explicit ProjectReader(const std::filesystem::path& path) : path_(path.string()) {}

  OpenMvgProject read() {
    const Json whole = parse();
    OpenMvgProject project;
    project.root = text(whole, "root_path", "the project");
    if (!whole.contains("views") || !whole["views"].is_array()) fail("expected a list \"views\", found none");
    for (const auto& entry : whole["views"]) project.views.push_back(view(entry, project.views.size()));
    std::ranges::sort(project.views, {}, &OpenMvgView::id);
    check_distinct(project.views);
    return project;
  }

 private:
  Json parse() const {
    const std::string content = read_text_file(path_);
    try {
      Json whole = Json::parse(content);
      if (!whole.is_object()) fail("expected a JSON object");
      return whole;
    } catch (const Json::exception& error) {
      throw FormatError(path_, -1, fmt::format("not JSON ({})", error.what()));
    }
  }

  /// {"key": id, "value": {"ptr_wrapper": {"data": {…}}}} as OpenMVG's serialiser writes a shared pointer in a map.
  OpenMvgView view(const Json& entry, std::size_t number) const {
    const std::string where = fmt::format("view {}", number);
    const Json* data = &entry;
    for (const char* name : {"value", "ptr_wrapper", "data"}) {
      if (!data->is_object() || !data->contains(name))
        fail(fmt::format("{}: expected \"{}\", found none", where, name));
      data = &(*data)[name];
    }
    OpenMvgView view;
    view.id = number_of(*data, "id_view", where);
    if (number_of(entry, "key", where) != view.id) fail(fmt::format("{}: its key is not its id_view", where));
    const std::filesystem::path file = text(*data, "filename", where);
    if (file.empty()) fail(fmt::format("{}: its filename is empty", where));
    view.name = (std::filesystem::path(text(*data, "local_path", where)) / file).lexically_normal().generic_string();
    view.stem = file.stem().string();
    view.width = static_cast<int>(std::min(number_of(*data, "width", where), 1U << 30));
    view.height = static_cast<int>(std::min(number_of(*data, "height", where), 1U << 30));
    return view;
  }

  std::string text(const Json& object, const char* name, const std::string& where) const {
    if (object.contains(name) && object[name].is_string()) return object[name].get<std::string>();
    fail(fmt::format("{}: expected a string \"{}\", found none", where, name));
  }
  std::uint32_t number_of(const Json& object, const char* name, const std::string& where) const {
    if (object.is_object() && object.contains(name) && object[name].is_number_unsigned()) {
      const auto value = object[name].get<std::uint64_t>();
      if (value <= 0xffffffffU) return static_cast<std::uint32_t>(value);
    }
    fail(fmt::format("{}: expected a number \"{}\" of 32 bits, found none", where, name));
  }

  void check_distinct(const std::vector<OpenMvgView>& views) const {
    std::map<std::string, const OpenMvgView*> stems;
    for (std::size_t i = 0; i < views.size(); ++i) {
      if (i > 0 && views[i].id == views[i - 1].id) fail(fmt::format("duplicate view id {}", views[i].id));
      const auto [other, is_new] = stems.emplace(views[i].stem, &views[i]);
      if (!is_new) {
        fail(fmt::format("the views \"{}\" and \"{}\" would share the feature file {}.feat", other->second->name,
                         views[i].name, views[i].stem));
      }
    }
  }

  [[noreturn]] void fail(std::string_view what) const { throw FormatError(path_, -1, what); }

  std::string path_;
};

}  // namespace

OpenMvgProject read_openmvg_project(const std::filesystem::path& path) { return ProjectReader(path).read(); }

}  // namespace twinpatch
