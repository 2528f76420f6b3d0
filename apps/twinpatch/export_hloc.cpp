// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include "apps/frame/options.hpp"

#include "apps/frame/outputs.hpp"
#include "apps/frame/run_options.hpp"
#include "apps/twinpatch/commands.hpp"
#include "apps/twinpatch/export_common.hpp"
#include "twinpatch/sfm/hloc_features.hpp"
#include "twinpatch/sfm/hloc_matches.hpp"

namespace twinpatch::app {
namespace {

struct HlocOptions {
  std::vector<std::string> runs;
  std::string features, images;
  float sigma = 0;
  ExportOptions matching;

  void validate() const;
};

void HlocOptions::validate() const {
  if (!has_hdf5()) throw Error("this twinpatch was built without HDF5 and can neither read nor write hloc's files");
  if (runs.empty() == features.empty()) {
    throw UsageError("give either the folder of a finished run, or --features and --images");
  }
  if (!features.empty() && images.empty()) throw UsageError("--features needs --images, the folder of the photographs");
  if (features.empty() && !images.empty()) throw UsageError("--images goes with --features");
  if (!(sigma >= 0 && sigma <= 10'000)) {
    throw UsageError(fmt::format("--keypoint-sigma must lie in [0, 10000], found {}", sigma));
  }
  matching.validate();
  Outputs outputs;
  outputs.add_input(features);
  if (const PairRule rule = parse_pair_rule(matching.collection.pairs); rule.kind == PairRule::Kind::list) {
    outputs.add_input(rule.text);
  }
  outputs.add("-o", matching.out);
  outputs.check();
}

ExitCode write(Session& session, const CollectionMatches& matches, const std::string& out,
               const std::vector<std::string>& unknown) {
  ExportSummary summary;
  HlocMatchWriter writer(out, names_of(matches.plan()), keypoint_counts_of(matches.plan()));
  matches.for_each(
      [&](ImagePair pair, std::span<const Match> some) {
        writer.write(pair, some);
        summary.add(some);
      },
      session.control());
  writer.commit();
  return report_export(session, "twinpatch.export-hloc/1", out, summary, unknown);
}

/// The images of the pairs, and how far half precision has moved their keypoints: worth knowing before sub-pixel work.
std::vector<FeatureImage> read_images(Session& session, const HlocFeatureFile& file,
                                      const std::vector<std::string>& names, float sigma) {
  std::vector<FeatureImage> images;
  float rounding = 0;
  for (const auto& name : names) {
    session.control().check();
    const HlocFeatures features = file.read(name);
    images.push_back({name, std::ssize(features.keypoints), features.width, features.height});
    if (!features.has_scales && !features.keypoints.empty() && sigma == 0) {
      throw InvalidArgument(
          fmt::format("{}: image \"{}\" has no \"scales\", so nothing says how large its patches are: give all one by "
                      "--keypoint-sigma",
                      file.path().string(), name));
    }
    rounding = std::max(rounding, features.rounding);
  }
  if (rounding > 0) {
    session.warn("{}: keypoints are in half precision (hloc's as_half), which moves them by up to {} px",
                 file.path().string(), rounding);
  }
  return images;
}

ExitCode match_features(Session& session, const HlocOptions& options) {
  const HlocFeatureFile file(options.features);
  const ExportPairs pairs = find_pairs(session, options.matching, file.names());
  check_photographs(options.images, pairs.names);
  const auto images = read_images(session, file, pairs.names, options.sigma);
  const auto load = [&](std::int64_t image) {
    const std::string& name = pairs.names.at(static_cast<std::size_t>(image));
    return usable_keypoints(file.read(name), fmt::format("{}: image \"{}\"", options.features, name), options.sigma);
  };
  const PhotographOptions photographs = patch_options(options.matching);
  const auto make_images = [&](const NetworkSpec& spec) {
    return std::make_unique<FeatureImageSource>(options.images, images, load, cut_options(photographs, spec), 1);
  };
  const CollectionOutcome outcome =
      run_images(session, options.matching.engine, options.matching.collection, make_images,
                 selection_of(session, pairs), options.matching.run_folder());
  if (outcome.matches) return write(session, *outcome.matches, options.matching.out, pairs.unknown);
  return pairs.unknown.empty() ? ExitCode::done : ExitCode::partial;
}

ExitCode run_hloc(Session& session, const HlocOptions& options) {
  options.validate();
  if (options.runs.empty()) return match_features(session, options);
  return write(session, open_runs(options.runs), options.matching.out, {});
}

Run add_hloc_options(Options& app) {
  auto options = std::make_shared<HlocOptions>();
  app.add_option("RUN", options->runs, "folder of a finished run, or those of its shards")->group(kArgumentGroup);
  app.add_option("-o,--out", options->matching.out, "matches.h5 to write")
      ->required()
      ->type_name("FILE")
      ->group(kMainGroup);
  app.add_option("--features", options->features, "hloc's features.h5: match its keypoints")
      ->type_name("FILE")
      ->group(kMainGroup);
  app.add_option("--images", options->images, "folder of the photographs, hloc's image_dir")
      ->type_name("DIR")
      ->group(kMainGroup);
  app.add_option("--keypoint-sigma", options->sigma, "scale in pixels of all keypoints, where the file has no scales")
      ->type_name("S")
      ->group(kMainGroup);
  add_export_options(app, options->matching);
  return [options](Session& session) { return run_hloc(session, *options); };
}

}  // namespace

Command export_hloc_command() {
  return {
      .name = "hloc",
      .summary = "matches.h5 for hloc, out of a run or of hloc's features.h5",
      .examples = {{"hloc's keypoints, its photographs and its list of pairs in; matches out",
                    "twinpatch export hloc --features features.h5 --images images --pairs pairs.txt -o matches.h5"},
                   {"keypoints without scales (SuperPoint): patches of one size",
                    "twinpatch export hloc --features features.h5 --images images --keypoint-sigma 4 -o matches.h5"},
                   {"a finished run", "twinpatch export hloc run -o matches.h5"}},
      .notes =
          "The file has a group a pair, \"a-b.jpg/c.jpg\" for images a/b.jpg and c.jpg, with matches0 (int16, or "
          "int32 where an image has more than 32767 keypoints) and matching_scores0 (float16; 0 where there is "
          "no match). hloc finds a pair in either order. A list of pairs holds two names a line, between spaces "
          "or one tab; unknown names are all named, their pairs left out, and the exit code is 3. docs/hloc.md "
          "has the whole way to a reconstruction.",
      .add_options = add_hloc_options,
      .children = {}};
}

}  // namespace twinpatch::app
