// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include "apps/frame/options.hpp"

#include "apps/frame/outputs.hpp"
#include "apps/frame/run_options.hpp"
#include "apps/twinpatch/commands.hpp"
#include "apps/twinpatch/export_common.hpp"
#include "twinpatch/sfm/feature_image_source.hpp"
#include "twinpatch/sfm/hloc_features.hpp"
#include "twinpatch/sfm/hloc_matches.hpp"

namespace twinpatch::app {
namespace {

struct HlocOptions : ExportOptions {
  std::string features, images;

  void validate() const;
};

void HlocOptions::validate() const {
  if (!has_hdf5())
    throw Error(
        "this twinpatch was built without HDF5, so it cannot read or write hloc's files (Debian: install "
        "libhdf5-dev and build again)");
  if (runs.empty() == features.empty()) {
    throw UsageError("give either the folder of a finished run, or --features and --images");
  }
  if (!features.empty() && images.empty()) throw UsageError("--features needs --images, the folder of the photographs");
  if (features.empty() && !images.empty()) throw UsageError("--images needs --features");
  ExportOptions::validate();
  Outputs outputs;
  outputs.add_input(features);
  outputs.add_input(collection.pairs.list_path());
  outputs.add_file("-o", out);
  outputs.check();
}

ExitCode write(Session& session, const CollectionMatches& matches, const std::string& out, const Exported& exported) {
  ExportSummary summary;
  HlocMatchWriter writer(out, names_of(matches.plan()), keypoint_counts_of(matches.plan()));
  summary.dropped_pairs = matches.for_each(
      [&](ImagePair pair, std::span<const Match> some) {
        writer.write(pair, some);
        summary.add(some);
      },
      session.control());
  writer.commit();
  return report_export(session, "twinpatch.export-hloc/1", out, summary, exported);
}

/// The images of the pairs, and how far half precision has moved their keypoints: worth knowing before sub-pixel work.
std::vector<FeatureImage> read_images(Session& session, const HlocFeatureFile& file,
                                      const std::vector<std::string>& names, float sigma) {
  std::vector<FeatureImage> images;
  float rounding = 0;
  bool all_have_scales = true;
  for (const auto& name : names) {
    session.control().check();
    const HlocFeatures features = file.read(name);
    images.push_back({name, std::ssize(features.keypoints), features.width, features.height});
    const bool lacks_scales = !features.has_scales && !features.keypoints.empty();
    all_have_scales = all_have_scales && !lacks_scales;
    if (lacks_scales && sigma == 0) {
      throw InvalidArgument(fmt::format(
          "{}: image \"{}\" has no \"scales\", or the same for all keypoints, so nothing says how large its "
          "patches are: give all one by --keypoint-sigma",
          file.path().string(), name));
    }
    rounding = std::max(rounding, features.rounding);
  }
  if (all_have_scales) session.no_effect({"--keypoint-sigma"}, "all keypoints have a scale");
  if (rounding > 0) {
    session.warn("{}: keypoints are in half precision (hloc's as_half), which moves them by up to {} px",
                 file.path().string(), rounding);
  }
  return images;
}

ExitCode match_features(Session& session, const HlocOptions& options) {
  Model model = open_model(session, options.collection.engine.model);
  const CutOptions cut = cut_options(options.collection.photographs, model);

  const HlocFeatureFile file(options.features);
  PairCandidates candidates = read_candidates(session, options.collection.pairs, file.names());
  keep_listed_images(candidates);
  if (!options.collection.leave_out_damaged)
    check_photographs(options.images, candidates.names, options.collection.leave_out);
  const auto load = [&](std::int64_t image) {
    const std::string& name = candidates.names.at(static_cast<std::size_t>(image));
    return usable_keypoints(file.read(name), fmt::format("{}: image \"{}\"", options.features, name), options.sigma);
  };
  auto images = read_images(session, file, candidates.names, options.sigma);
  const auto masks = apply_masks(session, options.collection.masks, options.collection.leave_out, images, load);
  const FeatureImageSource source(options.images, std::move(images), load, cut, 1);

  std::map<std::string, std::int64_t> numbers;
  for (const auto& name : candidates.names) numbers.emplace(name, std::ssize(numbers));
  const GuideInput geometry{.names = candidates.names,
                            .source = {[&](const std::string& name) { return load(numbers.at(name)); }, {}},
                            .options = {.threads = options.collection.engine.execution.threads}};
  const CollectionRun collection =
      match_collection(session, {std::move(model), source, candidates, geometry, options.places()}, options.collection);
  if (!collection.matched) return collection.chosen.exit_code(candidates.exit_code());
  return collection.chosen.exit_code(write(session, collection.matched->matches, options.out,
                                           {candidates.unknown, masks, early_exit_of(options.collection, collection)}));
}

ExitCode run_hloc(Session& session, const HlocOptions& options) {
  options.validate();
  session.no_effect({"--max-keypoints"}, "keypoints come from the file");
  if (options.runs.empty()) return match_features(session, options);
  matching_has_no_effect(session);
  session.no_effect({"--keypoint-sigma"}, kFinishedRun);
  return write(session, open_runs(options.runs), options.out, {});
}

Run add_hloc_options(Options& app) {
  auto options = std::make_shared<HlocOptions>();
  app.add_option("--features", options->features, "hloc's features.h5: match its keypoints")
      ->type_name("FILE")
      ->group(kMainGroup);
  app.add_option("--images", options->images, "folder of the photographs, hloc's image_dir")
      ->type_name("DIR")
      ->group(kMainGroup);
  add_export_options(app, *options, "matches.h5 to write");
  return [options](Session& session) { return run_hloc(session, *options); };
}

}  // namespace

Command export_hloc_command() {
  return {
      .name = "hloc",
      .summary = "matches.h5 for hloc, from a run or from hloc's features.h5",
      .examples = {{"hloc's keypoints, its photographs and its list of pairs in; matches out",
                    "twinpatch export hloc --features features.h5 --images images --pairs pairs.txt -o matches.h5"},
                   {"keypoints without scales (SuperPoint): all patches of one size",
                    "twinpatch export hloc --features features.h5 --images images --keypoint-sigma 4 -o matches.h5"},
                   {"a finished run", "twinpatch export hloc run -o matches.h5"}},
      .notes =
          "The file has one group per pair, \"a-b.jpg/c.jpg\" for images a/b.jpg and c.jpg, with matches0 (int16, or "
          "int32 if an image has more than 32767 keypoints) and matching_scores0 (float16; 0 where there is "
          "no match). hloc finds a pair in either order. A list of pairs has two names per line, separated by spaces "
          "or one tab; unknown names are all reported, their pairs skipped, and the exit code is 3. See "
          "docs/hloc.md.",
      .add_options = add_hloc_options,
      .children = {}};
}

}  // namespace twinpatch::app
