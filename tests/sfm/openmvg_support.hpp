// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace twinpatch::test {

struct ViewText {
  std::uint32_t id = 0;
  std::string filename;
  std::string local_path;
  int width = 640;
  int height = 480;
};

/// An sfm_data.json as OpenMVG writes it, shared pointers and all.
inline std::string openmvg_project(const std::string& root, const std::vector<ViewText>& views) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  std::uint32_t pointer = 2147483649U;
  for (const auto& view : views) {
    const nlohmann::ordered_json data{{"local_path", view.local_path},
                                      {"filename", view.filename},
                                      {"width", view.width},
                                      {"height", view.height},
                                      {"id_view", view.id},
                                      {"id_intrinsic", 0},
                                      {"id_pose", view.id}};
    list.push_back({{"key", view.id},
                    {"value", {{"polymorphic_id", 1073741824}, {"ptr_wrapper", {{"id", pointer++}, {"data", data}}}}}});
  }
  return nlohmann::ordered_json{{"sfm_data_version", "0.3"},
                                {"root_path", root},
                                {"views", list},
                                {"intrinsics", nlohmann::ordered_json::array()},
                                {"extrinsics", nlohmann::ordered_json::array()},
                                {"structure", nlohmann::ordered_json::array()},
                                {"control_points", nlohmann::ordered_json::array()}}
      .dump();
}

}  // namespace twinpatch::test
