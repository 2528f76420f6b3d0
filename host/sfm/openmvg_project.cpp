// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "twinpatch/core/file.hpp"
#include "twinpatch/formats/json.hpp"
#include "twinpatch/sfm/openmvg.hpp"

namespace twinpatch {
namespace {

class ProjectReader {
 public:
  explicit ProjectReader(const std::filesystem::path& path) : path_(path.string()) {}

  OpenMvgProject read() {
    const JsonValue whole = parse_json(read_text_file(path_), path_);
    OpenMvgProject project;
    project.root = text(whole, "root_path", "the project");
    const JsonValue* views = whole.find("views");
    if (views == nullptr || !views->is_list()) fail("expected a list \"views\", found none");
    for (const auto& entry : views->list()) project.views.push_back(view(entry, project.views.size()));
    std::ranges::sort(project.views, {}, &OpenMvgView::id);
    check_distinct(project.views);
    return project;
  }

 private:
  /// {"key": id, "value": {"ptr_wrapper": {"data": {…}}}} as OpenMVG's serialiser writes a shared pointer in a map.
  OpenMvgView view(const JsonValue& entry, std::size_t number) const {
    const std::string where = fmt::format("view {}", number);
    const JsonValue* data = &entry;
    for (const char* name : {"value", "ptr_wrapper", "data"}) {
      data = data->is_object() ? data->find(name) : nullptr;
      if (data == nullptr) fail(fmt::format("{}: expected \"{}\", found none", where, name));
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

  std::string text(const JsonValue& object, const char* name, const std::string& where) const {
    const JsonValue* value = object.is_object() ? object.find(name) : nullptr;
    if (value != nullptr && value->is_text()) return value->text();
    fail(fmt::format("{}: expected a string \"{}\", found none", where, name));
  }
  std::uint32_t number_of(const JsonValue& object, const char* name, const std::string& where) const {
    const JsonValue* value = object.is_object() ? object.find(name) : nullptr;
    if (value != nullptr && value->is_integer() && value->number() >= 0 && value->number() <= 0xffffffffU) {
      return static_cast<std::uint32_t>(value->number());
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
