// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <map>
#include <memory>
#include <optional>

#include "apps/frame/options.hpp"
#include "apps/frame/run_options.hpp"
#include "apps/twinpatch/commands.hpp"
#include "apps/twinpatch/export_common.hpp"
#include "apps/twinpatch/opensfm_verifier.hpp"
#include "twinpatch/sfm/colmap_next.hpp"
#include "twinpatch/sfm/feature_image_source.hpp"
#include "twinpatch/sfm/opensfm.hpp"

namespace twinpatch::app {
namespace {

struct OpenSfmOptions : ExportOptions {
  std::string dataset;  ///< OpenSfM's folder
  std::string images;
  std::optional<OpenSfmSize> size;
  bool replace = false;
  bool no_verify = false;
  ColmapVerifyOptions verification{.min_inliers = 20};  // OpenSfM's robust_matching_min_match

  void validate() const;
  [[nodiscard]] std::filesystem::path images_folder() const {
    return images.empty() ? std::filesystem::path(dataset) / "images" : std::filesystem::path(images);
  }
};

void OpenSfmOptions::validate() const {
  if (!(verification.max_error > 0)) {
    throw UsageError(fmt::format("--max-error must be positive, found {}", verification.max_error));
  }
  if (verification.min_inliers < 8) {
    throw UsageError(fmt::format("--min-inliers must be at least 8, found {}", verification.min_inliers));
  }
  if (!std::filesystem::is_directory(dataset)) throw IoError(dataset, "no such folder (--dataset)");
  ExportOptions::validate();
}

std::vector<std::string> names_of(const OpenSfmDataset& dataset) {
  std::vector<std::string> names;
  for (const OpenSfmImage& image : dataset.images()) names.push_back(image.name);
  return names;
}

/// Of a plan's images; throws InvalidArgument where the dataset's features are not those that were matched.
void check_same_features(const OpenSfmDataset& dataset, const CollectionPlan& plan) {
  for (const PlannedImage& image : plan.images) {
    const auto found = std::ssize(dataset.keypoints(image.name));
    if (found == image.keypoints) continue;
    throw InvalidArgument(fmt::format("{} has {} features, but the run matched {}",
                                      dataset.features_file(image.name).string(), found, image.keypoints));
  }
}

ExitCode write(Session& session, const OpenSfmOptions& options, const OpenSfmDataset& dataset,
               const CollectionMatches& matches, const Exported& exported) {
  ExportSummary summary;
  const CollectionPlan& plan = matches.plan();
  OpenSfmMatchWriter writer(options.out, app::names_of(plan), keypoint_counts_of(plan), options.replace);
  const auto sink = [&](ImagePair pair, std::span<const Match> some) {
    writer.write(pair, some);
    summary.add(some);
  };
  if (options.no_verify) {
    summary.dropped_pairs = matches.for_each(sink, session.control());
  } else {
    OpenSfmVerifier verifier(
        session.control(), options.collection.engine.execution.threads, options.verification,
        [&](std::int32_t image) { return dataset.keypoints(plan.images.at(static_cast<std::size_t>(image)).name); });
    session.control().begin("verify and write", plan.pairs(), "pairs");
    summary.dropped_pairs =
        matches.for_each([&](ImagePair pair, std::span<const Match> some) { verifier.add(pair, some, sink); });
    verifier.finish(sink);
    session.control().end();
  }
  writer.commit();
  session.info("next: opensfm create_tracks {0}, opensfm reconstruct {0}", shell_quote(options.dataset));
  return report_export(session, "twinpatch.export-opensfm/1", options.out, summary, exported);
}

ExitCode export_runs(Session& session, const OpenSfmOptions& options, const OpenSfmDataset& dataset) {
  const CollectionMatches matches = open_runs(options.runs);
  check_same_features(dataset, matches.plan());
  return write(session, options, dataset, matches, {});
}

ExitCode match_features(Session& session, const OpenSfmOptions& options, const OpenSfmDataset& dataset) {
  Model model = open_model(session, options.collection.engine.model);
  const CutOptions cut = cut_options(options.collection.photographs, model);
  PairCandidates candidates = read_candidates(session, options.collection.pairs, names_of(dataset));
  keep_listed_images(candidates);
  const std::filesystem::path folder = options.images_folder();
  if (!options.collection.leave_out_damaged) check_photographs(folder, candidates.names, options.collection.leave_out);
  std::map<std::string, OpenSfmImage> sizes;
  for (const OpenSfmImage& image : dataset.images()) sizes.emplace(image.name, image);
  std::vector<FeatureImage> images;
  for (const std::string& name : candidates.names) {
    session.control().check();
    const OpenSfmImage& image = sizes.at(name);
    images.push_back({name, std::ssize(dataset.keypoints(name)), image.width, image.height});
  }
  const auto load = [&](std::int64_t image) {
    return dataset.keypoints(candidates.names.at(static_cast<std::size_t>(image)));
  };
  const auto masks = apply_masks(session, options.collection.masks, options.collection.leave_out, images, load);
  const FeatureImageSource source(folder, std::move(images), load, cut, 1);

  const GuideInput geometry{.names = candidates.names,
                            .source = {[&](const std::string& name) { return dataset.keypoints(name); }, {}},
                            .options = {.threads = options.collection.engine.execution.threads}};
  const CollectionRun collection =
      match_collection(session, {std::move(model), source, candidates, geometry, options.places()}, options.collection);
  if (!collection.matched) return collection.chosen.exit_code(candidates.exit_code());
  return collection.chosen.exit_code(write(session, options, dataset, collection.matched->matches,
                                           {candidates.unknown, masks, early_exit_of(options.collection, collection)}));
}

ExitCode run_opensfm(Session& session, const OpenSfmOptions& options) {
  options.validate();
  session.no_effect({"--max-keypoints", "--keypoint-sigma"}, "keypoints come from the dataset");
  if (options.no_verify) session.no_effect({"--max-error", "--min-inliers"}, "nothing is verified");
  const OpenSfmDataset dataset(options.dataset, options.size);
  // Found now rather than after hours of work: a folder that is in the way, a place that cannot be written to.
  if (!options.collection.dry_run) (void)OpenSfmMatchWriter(options.out, {}, {}, options.replace);
  if (options.runs.empty()) return match_features(session, options, dataset);
  matching_has_no_effect(session);
  return export_runs(session, options, dataset);
}

OpenSfmSize parse_size(const std::string& name) {
  if (name == "sigma") return OpenSfmSize::sigma;
  if (name == "diameter") return OpenSfmSize::diameter;
  throw UsageError(fmt::format("--feature-size must be sigma or diameter, found \"{}\"", name));
}

Run add_opensfm_options(Options& app) {
  auto options = std::make_shared<OpenSfmOptions>();
  app.add_option("--dataset", options->dataset, "OpenSfM's folder, with exif/ and features/")
      ->required()
      ->type_name("DIR")
      ->group(kMainGroup);
  app.add_option("--images", options->images, "folder of the photographs, if not DIR/images")
      ->type_name("DIR")
      ->group(kMainGroup);
  app.add_option_function(
         "--feature-size", [options](const std::string& name) { options->size = parse_size(name); },
         "what a feature's size is [HAHOG: sigma, SIFT: diameter, by feature_type of config.yaml]")
      ->type_name("sigma|diameter")
      ->group(kMainGroup);
  app.add_flag("--replace", options->replace, "replace a folder of matches")->group(kMainGroup);
  app.add_flag("--no-verify", options->no_verify, "write all matches; OpenSfM itself does not verify those it reads")
      ->group(kMainGroup);
  app.add_option("--max-error", options->verification.max_error, "of an inlier")
      ->type_name("PIXELS")
      ->default_str("4")
      ->group(kMainGroup);
  app.add_option("--min-inliers", options->verification.min_inliers, "of a pair that is written")
      ->type_name("N")
      ->default_str("20")
      ->group(kMainGroup);
  add_export_options(app, *options, "folder of matches to write: DIR/matches");
  return [options](Session& session) {
    while (options->out.size() > 1 && options->out.ends_with('/')) options->out.pop_back();  // RUN is OUT.run
    return run_opensfm(session, *options);
  };
}

}  // namespace

Command export_opensfm_command() {
  return {.name = "opensfm",
          .summary = "matches for OpenSfM, of the features it detected",
          .examples = {{"between `opensfm detect_features` and `opensfm create_tracks`",
                        "twinpatch export opensfm --dataset data -o data/matches"},
                       {"a finished run of the same features",
                        "twinpatch export opensfm run --dataset data -o data/matches --replace"}},
          .notes =
              "Writes IMAGE_matches.pkl.gz for every image, as `opensfm match_features` does; the folder appears whole "
              "or not at all. OpenSfM takes matches from these files as they are, so only those that agree with a "
              "fundamental matrix or a homography are written (--no-verify: all). See docs/opensfm.md.",
          .add_options = add_opensfm_options,
          .children = {}};
}

}  // namespace twinpatch::app
