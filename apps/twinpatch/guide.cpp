// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/twinpatch/guide.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <map>

#include "apps/frame/options.hpp"

#include "apps/frame/command.hpp"
#include "apps/frame/run_options.hpp"
#include "apps/twinpatch/photograph.hpp"

namespace twinpatch::app {
namespace {

constexpr std::string_view kPoses = "poses:";

using Poses = std::map<std::string, KnownPose>;

void check_sizes(const GuideChoice& choice, const Poses& poses, const GuideInput& input) {
  using Size = std::pair<std::int64_t, std::int64_t>;
  for (const auto& [name, pose] : poses) {
    const Size there{pose.camera.width, pose.camera.height};
    Size here = there;
    if (input.size) here = input.size(name);
    const ColmapCameraRow* const camera = input.source.camera ? input.source.camera(name) : nullptr;
    if (camera != nullptr) here = {camera->camera.width, camera->camera.height};
    if (here == there) continue;
    throw InvalidArgument(fmt::format("{}: a model of other images: {} has {}x{} pixels there, {}x{} here",
                                      choice.model, name, there.first, there.second, here.first, here.second));
  }
}

/// The pose of an image. Of a path: that of the longest name which it ends with.
Poses::const_iterator find_pose(const Poses& poses, const std::string& name, bool is_path) {
  if (!is_path) return poses.find(name);
  const std::string path = std::filesystem::absolute(name).lexically_normal().string();
  auto best = poses.end();
  for (auto pose = poses.begin(); pose != poses.end(); ++pose) {
    const bool longer = best == poses.end() || pose->first.size() > best->first.size();
    if (longer && path.ends_with('/' + pose->first)) best = pose;
  }
  return best;
}

KnownGeometry poses_of(Session& session, const GuideChoice& choice, const GuideInput& input) {
  const std::vector<std::string>& names = input.names;
  KnownGeometry known = known_poses(choice.model);
  std::vector<std::string> without;
  Poses ours;
  for (const std::string& name : names) {
    const auto found = find_pose(known.poses, name, input.paths);
    if (found == known.poses.end()) {
      without.push_back(name);
    } else {
      ours.emplace(name, found->second);
    }
  }
  if (ours.empty()) {
    throw InvalidArgument(fmt::format("{}: a model of other images: none of its {} has the name of one of these {}",
                                      choice.model, known.poses.size(), names.size()));
  }
  known.poses = std::move(ours);
  check_sizes(choice, known.poses, input);
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

void refuse_database_guide(const GuideChoice& choice) {
  if (choice.kind != GuideChoice::Kind::database) return;
  throw UsageError("--guided database: only twinpatch colmap has a database; use matches or poses:DIR");
}

void add_guide_options(Options& app, GuideChoice& choice) {
  const auto choose = [&choice](const std::string& word) {
    using Kind = GuideChoice::Kind;
    choice.kind = word == "matches" ? Kind::matches : word == "database" ? Kind::database : Kind::poses;
    if (choice.kind == Kind::poses) choice.model = word.substr(kPoses.size());
  };
  app.add_word_option("--guided", {"matches", "database", "poses:DIR"}, choose,
                      "match again, within bands around epipolar lines: by the matches, a COLMAP database's geometries "
                      "(database) or the poses of a COLMAP model (poses:DIR)")
      ->type_name("[WHICH]")
      ->group(kMainGroup);
  app.add_option("--band", choice.band, "half the width of the bands of --guided")
      ->type_name("PIXELS")
      ->default_str("2")
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
      if (!input.database) refuse_database_guide(choice);
      known = input.database();
      break;
    case GuideChoice::Kind::poses:
      known = poses_of(session, choice, input);
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
