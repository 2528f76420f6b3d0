// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <map>
#include <memory>
#include "apps/frame/options.hpp"

#include "apps/frame/outputs.hpp"
#include "apps/frame/run_options.hpp"
#include "apps/twinpatch/commands.hpp"
#include "apps/twinpatch/export_common.hpp"
#include "twinpatch/sfm/colmap_next.hpp"
#include "twinpatch/sfm/feature_image_source.hpp"
#include "twinpatch/sfm/hloc_features.hpp"
#include "twinpatch/sfm/openmvg.hpp"

namespace twinpatch::app {
namespace {

struct OpenMvgOptions : ExportOptions {
  std::string project, features_folder, images;
  std::string keypoints;  ///< features.h5 that a run was made of

  void validate() const;
};

void OpenMvgOptions::validate() const {
  if (runs.empty() && features_folder.empty()) {
    throw UsageError("give the folder of a finished run, or --features-dir with OpenMVG's .feat files to match");
  }
  if (runs.empty() && !keypoints.empty()) throw UsageError("--keypoints needs a finished run");
  if (!runs.empty() && features_folder.empty() != keypoints.empty()) {
    throw UsageError("with a finished run, --features-dir is where the .feat files of --keypoints are written");
  }
  if (!out.ends_with(".txt") && !out.ends_with(".bin")) {
    throw UsageError(fmt::format("-o must end in .txt or .bin, found {}", out));
  }
  ExportOptions::validate();
  Outputs outputs;
  outputs.add_input(project);
  outputs.add_input(keypoints);
  outputs.add_input(collection.pairs.list_path());
  outputs.add("-o", out);
  outputs.check();
}

using ViewsByName = std::map<std::string, OpenMvgView>;

ViewsByName views_by_name(const OpenMvgProject& project) {
  ViewsByName views;
  for (const auto& view : project.views) views.emplace(view.name, view);
  return views;
}

/// Views of images, and the images that are none.
struct Assigned {
  std::vector<std::uint32_t> ids;
  std::vector<const OpenMvgView*> views;  ///< null: none
  std::vector<std::string> unknown;

  [[nodiscard]] bool has(std::int32_t image) const { return views[static_cast<std::size_t>(image)] != nullptr; }
};

Assigned assign(Session& session, const ViewsByName& views, const std::vector<std::string>& names,
                const std::string& project) {
  Assigned assigned;
  std::uint32_t spare = 0xffffffffU;  // never written, and another one for each image
  for (const auto& name : names) {
    const auto found = views.find(std::filesystem::path(name).lexically_normal().generic_string());
    assigned.views.push_back(found == views.end() ? nullptr : &found->second);
    assigned.ids.push_back(found == views.end() ? spare-- : found->second.id);
    if (found != views.end()) continue;
    assigned.unknown.push_back(name);
    session.warn("{}: no view for the image \"{}\"; its pairs are skipped", project, name);
  }
  return assigned;
}

ExitCode write(Session& session, const OpenMvgOptions& options, const CollectionMatches& matches,
               const Assigned& assigned, const Exported& exported) {
  ExportSummary summary;
  const std::string& out = options.out;
  OpenMvgMatchWriter writer(out, assigned.ids, keypoint_counts_of(matches.plan()));
  summary.dropped_pairs = matches.for_each(
      [&](ImagePair pair, std::span<const Match> some) {
        if (!assigned.has(pair.first) || !assigned.has(pair.second)) return;
        writer.write(pair, some);
        summary.add(some);
      },
      session.control());
  writer.commit();
  session.info("next: openMVG_main_GeometricFilter -i {} -m {} -o {} -g f", shell_quote(options.project),
               shell_quote(out), shell_quote((std::filesystem::path(out).parent_path() / "matches.f.bin").string()));
  return report_export(session, "twinpatch.export-openmvg/1", out, summary, exported);
}

/// A run's keypoints as OpenMVG's files, in the order in which its matches count them.
void write_keypoints(Session& session, const OpenMvgOptions& options, const CollectionPlan& plan,
                     const Assigned& assigned) {
  const HlocFeatureFile file(options.keypoints);
  for (std::size_t i = 0; i < plan.images.size(); ++i) {
    session.control().check();
    if (assigned.views[i] == nullptr) continue;
    const std::string what = fmt::format("{}: image \"{}\"", options.keypoints, plan.images[i].name);
    const auto keypoints = usable_keypoints(file.read(plan.images[i].name), what, options.sigma);
    if (std::ssize(keypoints) != plan.images[i].keypoints) {
      throw InvalidArgument(
          fmt::format("{} has {} keypoints, but the run matched {}", what, keypoints.size(), plan.images[i].keypoints));
    }
    const auto stem = (std::filesystem::path(options.features_folder) / assigned.views[i]->stem).string();
    write_openmvg_features(stem + ".feat", keypoints);
    write_openmvg_descriptors(stem + ".desc", std::ssize(keypoints));
  }
}

ExitCode export_runs(Session& session, const OpenMvgOptions& options) {
  const ViewsByName views = views_by_name(read_openmvg_project(options.project));
  const CollectionMatches matches = open_runs(options.runs);
  const Assigned assigned = assign(session, views, names_of(matches.plan()), options.project);
  if (!options.keypoints.empty()) write_keypoints(session, options, matches.plan(), assigned);
  return write(session, options, matches, assigned, {.unknown = assigned.unknown});
}

ExitCode match_features(Session& session, const OpenMvgOptions& options) {
  Model model = open_model(session, options.collection.engine.model);
  const CutOptions cut = cut_options(options.collection.photographs, model);

  const OpenMvgProject project = read_openmvg_project(options.project);
  const ViewsByName views = views_by_name(project);
  std::vector<std::string> names;
  for (const auto& [name, view] : views) names.push_back(name);
  PairCandidates candidates = read_candidates(session, options.collection.pairs, std::move(names));
  keep_listed_images(candidates);
  const std::filesystem::path folder = options.images.empty() ? project.root : std::filesystem::path(options.images);
  bool all_have_scales = true;
  if (!options.collection.leave_out_damaged) check_photographs(folder, candidates.names, options.collection.leave_out);
  const auto read = [&](const std::string& name) {
    const auto file = std::filesystem::path(options.features_folder) / (views.at(name).stem + ".feat");
    auto keypoints = read_openmvg_features(file);
    if (have_scales(keypoints)) return keypoints;
    all_have_scales = false;
    if (options.sigma == 0) {
      throw InvalidArgument(
          fmt::format("{}: all keypoints have the same scale, which is none: give all one by "
                      "--keypoint-sigma",
                      file.string()));
    }
    for (auto& keypoint : keypoints) keypoint.sigma = options.sigma;
    return keypoints;
  };
  std::vector<FeatureImage> images;
  for (const auto& name : candidates.names) {
    images.push_back({name, std::ssize(read(name)), views.at(name).width, views.at(name).height});
  }
  if (all_have_scales) session.no_effect({"--keypoint-sigma"}, "all keypoints have a scale");
  const auto load = [&](std::int64_t image) { return read(candidates.names.at(static_cast<std::size_t>(image))); };
  const auto masks = apply_masks(session, options.collection.masks, options.collection.leave_out, images, load);
  const FeatureImageSource source(folder, std::move(images), load, cut, 1);

  const GuideInput geometry{.names = candidates.names,
                            .source = {read, {}},
                            .options = {.threads = options.collection.engine.execution.threads}};
  const CollectionRun collection =
      match_collection(session, {std::move(model), source, candidates, geometry, options.places()}, options.collection);
  if (!collection.matched) return collection.chosen.exit_code(candidates.exit_code());
  const Assigned assigned = assign(session, views, names_of(collection.run.plan), options.project);
  return collection.chosen.exit_code(write(session, options, collection.matched->matches, assigned,
                                           {candidates.unknown, masks, early_exit_of(options.collection, collection)}));
}

ExitCode run_openmvg(Session& session, const OpenMvgOptions& options) {
  options.validate();
  session.no_effect({"--max-keypoints"}, "keypoints come from files");
  if (!options.runs.empty()) matching_has_no_effect(session);
  if (!options.runs.empty() && options.keypoints.empty()) session.no_effect({"--keypoint-sigma"}, kFinishedRun);
  return options.runs.empty() ? match_features(session, options) : export_runs(session, options);
}

Run add_openmvg_options(Options& app) {
  auto options = std::make_shared<OpenMvgOptions>();
  app.add_option("--sfm-data", options->project, "OpenMVG's sfm_data.json: numbers of the views, folder of the images")
      ->required()
      ->type_name("FILE")
      ->group(kMainGroup);
  app.add_option("--features-dir", options->features_folder,
                 "folder of the .feat files: matched now, or written with --keypoints")
      ->type_name("DIR")
      ->group(kMainGroup);
  app.add_option("--keypoints", options->keypoints, "features.h5 of the run: write its .feat and .desc")
      ->type_name("FILE")
      ->group(kMainGroup);
  app.add_option("--images", options->images, "folder of the images, if not root_path of sfm_data.json")
      ->type_name("DIR")
      ->group(kMainGroup);
  add_export_options(app, *options, "matches.putative.bin or .txt to write");
  return [options](Session& session) { return run_openmvg(session, *options); };
}

}  // namespace

Command export_openmvg_command() {
  return {.name = "openmvg",
          .summary = "match files for OpenMVG, from a run or from its .feat files",
          .examples = {{"OpenMVG's own keypoints, matched by a network",
                        "twinpatch export openmvg --sfm-data matches/sfm_data.json --features-dir matches -o "
                        "matches/matches.putative.bin"},
                       {"a finished run, with its keypoints from a features.h5",
                        "twinpatch export openmvg run --sfm-data matches/sfm_data.json --keypoints features.h5 "
                        "--features-dir matches -o matches/matches.putative.bin"}},
          .notes =
              "Images are identified by their path from root_path. Pairs without a match are skipped, as in "
              "OpenMVG. The .desc files hold rows of zeros: geometric filtering and "
              "reconstruction do not read them, guided matching does. See docs/openmvg.md.",
          .add_options = add_openmvg_options,
          .children = {}};
}

}  // namespace twinpatch::app
