// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/twinpatch/dataset_options.hpp"

#include <algorithm>

namespace twinpatch::app {

void add_warp_options(Options& app, WarpOptions& warp, int& max_side) {
  constexpr const char* kGroup = "Views made of a photograph";
  add(app, "--max-side", max_side, "reduce larger photographs to this, pixels; 0: never", kGroup);
  add(app, "--views", warp.views, "of each photograph", kGroup);
  add(app, "--scale", warp.scale, "size changes by 1/S to S", kGroup);
  add(app, "--rotation", warp.rotation, "degrees; one view in four is turned by any angle", kGroup);
  add(app, "--tilt", warp.tilt, "largest foreshortening", kGroup);
  add(app, "--perspective", warp.perspective, "change of scale across the image", kGroup);
  add(app, "--light", warp.light, "strength of changes of light; 0: none", kGroup);
  add(app, "--blur", warp.blur, "largest sigma, pixels", kGroup);
  add(app, "--noise", warp.noise, "largest standard deviation, grey levels", kGroup);
  add(app, "--jpeg-quality", warp.jpeg_quality, "lowest; 100: no compression", kGroup);
}

ExitCode report_left_out(Session& session, const std::vector<LeftOutInput>& left_out, nlohmann::ordered_json& object) {
  constexpr std::size_t kNamed = 20;
  for (std::size_t i = 0; i < std::min(kNamed, left_out.size()); ++i)
    session.warn("left out: {}: {}", left_out[i].name, left_out[i].reason);
  if (left_out.size() > kNamed)
    session.warn("left out: {} more; manifest.json names all of them", left_out.size() - kNamed);
  auto list = nlohmann::ordered_json::array();
  for (const auto& input : left_out) list.push_back({{"name", input.name}, {"reason", input.reason}});
  object["left_out"] = list;
  return std::ranges::any_of(left_out, &LeftOutInput::damaged) ? ExitCode::partial : ExitCode::done;
}

}  // namespace twinpatch::app
