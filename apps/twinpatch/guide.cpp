// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/twinpatch/guide.hpp"

#include <fmt/format.h>

#include "apps/frame/options.hpp"

#include "apps/frame/command.hpp"
#include "apps/frame/run_options.hpp"
#include "apps/twinpatch/photograph.hpp"

namespace twinpatch::app {
namespace {

constexpr std::string_view kPoses = "poses:";

GuideChoice::Kind parse_kind(const std::string& text, std::string& model) {
  if (text == "matches") return GuideChoice::Kind::matches;
  if (text == "database") return GuideChoice::Kind::database;
  if (text.starts_with(kPoses) && text.size() > kPoses.size()) {
    model = text.substr(kPoses.size());
    return GuideChoice::Kind::poses;
  }
  throw UsageError(fmt::format("--guided: expected matches, database or poses:DIR, found {}", text));
}

void check_sizes(const GuideChoice& choice, const KnownGeometry& known, const GuideSource& source) {
  if (!source.camera) return;
  for (const auto& [name, pose] : known.poses) {
    const ColmapCameraRow* const camera = source.camera(name);
    if (camera == nullptr ||
        (camera->camera.width == pose.camera.width && camera->camera.height == pose.camera.height)) {
      continue;
    }
    throw InvalidArgument(fmt::format("{}: a model of other images: {} has {}x{} pixels there, {}x{} in the database",
                                      choice.model, name, pose.camera.width, pose.camera.height, camera->camera.width,
                                      camera->camera.height));
  }
}

KnownGeometry poses_of(Session& session, const GuideChoice& choice, const std::vector<std::string>& names,
                       const GuideSource& source) {
  KnownGeometry known = known_poses(choice.model);
  std::vector<std::string> without;
  std::map<std::string, KnownPose> ours;
  for (const std::string& name : names) {
    const auto found = known.poses.find(name);
    if (found == known.poses.end()) {
      without.push_back(name);
    } else {
      ours.insert(*found);
    }
  }
  if (ours.empty()) {
    throw InvalidArgument(fmt::format("{}: a model of other images: none of its {} has the name of one of these {}",
                                      choice.model, known.poses.size(), names.size()));
  }
  known.poses = std::move(ours);
  check_sizes(choice, known, source);
  if (!without.empty()) {
    session.warn("{} of {} images have no pose in {}, so the geometry of their pairs is estimated from matches: {}",
                 without.size(), names.size(), choice.model, quoted_names(without));
  }
  return known;
}

}  // namespace

void GuideChoice::validate() const {
  if (!(band > 0 && band <= 1000))
    throw UsageError(fmt::format("--band must be above 0 and at most 1000, found {}", band));
}

void add_guide_options(Options& app, GuideChoice& choice) {
  app.add_option_function(
         "--guided", [&choice](const std::string& text) { choice.kind = parse_kind(text, choice.model); },
         "match again, within bands around epipolar lines: from matches, a COLMAP database's geometries (database) or "
         "the poses of a COLMAP model (poses:DIR)")
      ->type_name("WHICH")
      ->group(kMainGroup);
  app.add_option("--band", choice.band, "half the width of the bands of --guided")
      ->type_name("PIXELS")
      ->default_str("4")
      ->group(kMainGroup);
}

std::unique_ptr<MatchGuide> make_guide(Session& session, const GuideChoice& choice, GuideInput input) {
  KnownGeometry known;
  switch (choice.kind) {
    case GuideChoice::Kind::none:
      session.no_effect({"--band"}, "it needs --guided");
      return nullptr;
    case GuideChoice::Kind::matches:
      break;
    case GuideChoice::Kind::database:
      if (!input.database) throw UsageError("--guided database: only twinpatch colmap has a database");
      known = input.database();
      break;
    case GuideChoice::Kind::poses:
      known = poses_of(session, choice, input.names, input.source);
      break;
  }
  input.options.pixels = choice.band;
  return make_epipolar_guide(std::move(input.source), input.options, std::move(known));
}

std::unique_ptr<EarlyExit> make_early_exit(Session& session, const std::optional<std::int64_t>& keypoints,
                                           const GuideInput& input) {
  if (!keypoints) return nullptr;
  EarlyExitOptions options{.sample = {*keypoints, session.options().seed}, .threads = input.options.threads};
  options.estimation.max_error = input.options.estimation.max_error;
  return make_geometric_early_exit(input.source, options);
}

}  // namespace twinpatch::app
