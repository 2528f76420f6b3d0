// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "apps/frame/options.hpp"
#include "apps/frame/run_options.hpp"
#include "apps/twinpatch/commands.hpp"
#include "apps/twinpatch/dataset_options.hpp"
#include "twinpatch/dataset/sources.hpp"

namespace twinpatch::app {
namespace {

constexpr const char* kListGroup = "Pair lists";
constexpr const char* kPointGroup = "Points";
constexpr const char* kNoiseGroup = "Noise of mapped keypoints";

constexpr const char* kLayout =
    "The folder has PhotoTour's layout: patchesNNNN.png, info.txt (point image), interest.txt (image x y angle "
    "log2(sigma)), m50_N_N_0.txt lists of N matches and N non-matches, hard50_N_N_0.txt of hard pairs, manifest.json. "
    "It appears whole or not at all; the same inputs, options and --seed make the same bytes.";

/// What the sub-commands share beside the options of their source.
struct Common {
  int threads = 0;
};

void add_dataset_options(Options& app, DatasetOptions& options, Common& common) {
  app.add_option("-o,--out", options.folder, "folder of the dataset")
      ->never_standard_output()
      ->required()
      ->type_name("DIR")
      ->group(kMainGroup);
  app.add_flag("--replace", options.replace, "replace a dataset of that name")->group(kMainGroup);
  add(app, "--patch-extent", options.extent, "side of a patch's window, in sigma", kMainGroup);
  app.add_flag("--upright", options.upright, "ignore the keypoints' angles")->group(kMainGroup);
  add(app, "--min-contrast", options.min_contrast, "drop patches with a lower standard deviation of grey levels",
      kMainGroup);
  add(app, "--max-views", options.max_views, "most patches of a point; 0: all", kMainGroup);
  add(app, "--threads", common.threads, "threads; 0: all", kMainGroup);
  add(app, "--lists", options.list_sizes, "matches of each list", kListGroup);
  add(app, "--hard", options.hard_pairs, "matches of the list of hard pairs; 0: none", kListGroup);
}

void add_noise_options(Options& app, KeypointNoise& noise) {
  add(app, "--jitter-position", noise.position, "standard deviation, in sigma", kNoiseGroup);
  add(app, "--jitter-scale", noise.scale, "standard deviation of log(sigma)", kNoiseGroup);
  add(app, "--jitter-angle", noise.angle, "standard deviation, degrees", kNoiseGroup);
}

void add_sequence_options(Options& app, SequenceOptions& options) {
  add(app, "--max-keypoints", options.max_keypoints, "SIFT keypoints detected in an image; 0: all", kPointGroup);
  add(app, "--max-points", options.max_points, "points kept, chosen at random; 0: all", kPointGroup);
  add(app, "--min-distance", options.min_distance, "between two points, in sigma", kPointGroup);
  add(app, "--margin", options.margin, "distance to the image's border, in half windows", kPointGroup);
  add(app, "--min-sigma", options.min_sigma, "drop smaller keypoints, pixels", kPointGroup);
  add_noise_options(app, options.noise);
  add(app, "--use-detected", options.noise.use_detected, "how often to use the detector's own keypoint, if it agrees",
      kNoiseGroup);
}

ExitCode report(Session& session, const DatasetOptions& options, const DatasetSummary& summary) {
  session.info("{}: {} patches of {} points in {} images, {} matching pairs", options.folder.string(), summary.patches,
               summary.points, summary.images, summary.matching_pairs);
  if (summary.dropped_flat + summary.dropped_single > 0) {
    session.info("skipped: {} patches without contrast, {} points with a single patch", summary.dropped_flat,
                 summary.dropped_single);
  }
  nlohmann::ordered_json object{{"out", options.folder.string()},
                                {"patches", summary.patches},
                                {"points", summary.points},
                                {"images", summary.images},
                                {"matching_pairs", summary.matching_pairs},
                                {"dropped_flat_patches", summary.dropped_flat},
                                {"dropped_single_points", summary.dropped_single},
                                {"dropped_views", summary.dropped_views}};
  const ExitCode code = report_left_out(session, summary.left_out, object);
  object["lists"] = summary.lists;
  object["content_hash"] = summary.content_hash;
  if (session.options().json) session.print_json("twinpatch.dataset/1", object);
  return code;
}

/// A run of `make` on the options of one source.
template <class Options, class Make>
Run run_of(std::shared_ptr<Options> options, std::shared_ptr<Common> common, Make make) {
  return [options, common = std::move(common), make](Session& session) {
    if (common->threads < 0) throw UsageError("--threads: must not be negative");
    options->dataset.seed = session.options().seed;
    ThreadPool pool(common->threads);
    return report(session, options->dataset, make(*options, pool, session.control()));
  };
}

Run add_colmap_options(Options& app) {
  auto options = std::make_shared<ColmapDatasetOptions>();
  auto common = std::make_shared<Common>();
  app.add_option("MODEL", options->model, "folder with cameras, images and points3D, .bin or .txt")
      ->required()
      ->group(kArgumentGroup);
  app.add_option("IMAGES", options->images, "folder of the photographs")->required()->group(kArgumentGroup);
  app.add_option("--database", options->database, "COLMAP's database: sigma and angle of the keypoints")
      ->type_name("FILE")
      ->group(kMainGroup);
  app.add_flag("--affine", options->affine, "cut windows of the affine shapes in the database")->group(kMainGroup);
  app.add_option("--tracks", options->tracks, "the same as text (see below)")->type_name("FILE")->group(kMainGroup);
  add_dataset_options(app, options->dataset, *common);
  add(app, "--min-track", options->min_track, "images a point must be seen in", kPointGroup);
  add(app, "--max-error", options->max_error, "largest mean reprojection error, pixels", kPointGroup);
  add(app, "--min-distance", options->min_distance, "between two points, in sigma", kPointGroup);
  add(app, "--margin", options->margin, "distance to the image's border, in half windows", kPointGroup);
  add(app, "--min-sigma", options->min_sigma, "drop smaller keypoints, pixels", kPointGroup);
  constexpr const char* kGroup = "Points projected into images in which they were not detected";
  app.add_flag("!--no-reproject", options->reproject, "only patches of the tracks")->group(kGroup);
  add(app, "--max-reprojected", options->max_reprojected, "of one point", kGroup);
  add(app, "--max-view-angle", options->max_view_angle, "to the nearest image that saw the point, degrees", kGroup);
  add(app, "--depth-tolerance", options->depth_tolerance, "to the points around it, share of the depth", kGroup);
  add(app, "--min-neighbours", options->min_neighbours, "points around it", kGroup);
  add(app, "--min-similarity", options->min_similarity, "of gradients to a patch of the track, 0 to 1", kGroup);
  add_noise_options(app, options->noise);
  return run_of(options, common, dataset_from_colmap);
}

Run add_homography_options(Options& app) {
  auto options = std::make_shared<HomographyDatasetOptions>();
  auto common = std::make_shared<Common>();
  app.add_option("FOLDER", options->folders, "folders with img1.pgm ... and H1to2p ...")
      ->required()
      ->group(kArgumentGroup);
  add_dataset_options(app, options->dataset, *common);
  add_sequence_options(app, options->sequence);
  app.add_flag("!--first-only", options->sequence.detect_in_all, "only points of the first image")->group(kPointGroup);
  return run_of(options, common, dataset_from_homographies);
}

Run add_photograph_options(Options& app) {
  auto options = std::make_shared<PhotographDatasetOptions>();
  auto common = std::make_shared<Common>();
  app.add_option("PATH", options->paths, "folders, searched recursively, and image files")
      ->required()
      ->group(kArgumentGroup);
  add_dataset_options(app, options->dataset, *common);
  add_warp_options(app, options->warp, options->max_side);
  add_sequence_options(app, options->sequence);
  return run_of(options, common, dataset_from_photographs);
}

Command from_colmap_command() {
  return {.name = "from-colmap",
          .summary = "patches of the tracks of a COLMAP reconstruction",
          .examples = {{"a finished reconstruction",
                        "twinpatch dataset from-colmap sparse/0 images --database database.db -o dataset"}},
          .notes = std::string(kLayout) +
                   "\n\n--tracks: lines \"point X Y Z error n\" and n times \"image x y sigma angle\". With neither "
                   "--database nor --tracks, SIFT keypoints are detected again and the nearest ones used.",
          .add_options = add_colmap_options,
          .children = {}};
}

Command from_homographies_command() {
  return {.name = "from-homographies",
          .summary = "patches of image sequences with known homographies",
          .examples = {{"two sequences", "twinpatch dataset from-homographies boat trees -o dataset"}},
          .notes = std::string(kLayout) +
                   "\n\nA folder holds img1.pgm, img2.pgm ... (or .ppm, .png, .jpg) and H1to2p ..., nine numbers that "
                   "map pixels of the first image (centres at integers) to those of another.",
          .add_options = add_homography_options,
          .children = {}};
}

Command from_photographs_command() {
  return {.name = "from-photographs",
          .summary = "patches of photographs and random views of them",
          .examples = {{"all pictures below a folder", "twinpatch dataset from-photographs pictures -o dataset"}},
          .notes = kLayout,
          .add_options = add_photograph_options,
          .children = {}};
}

}  // namespace

Command dataset_command() {
  std::vector<Command> sources{from_colmap_command(), from_homographies_command(), from_photographs_command()};
  std::vector<Command> lists = candidate_commands();
  for (Command& command : lists) sources.push_back(std::move(command));
  return {.name = "dataset",
          .summary = "make a dataset for training and evaluation from your own images",
          .examples = {{"from a COLMAP reconstruction",
                        "twinpatch dataset from-colmap sparse/0 images --database database.db -o dataset"},
                       {"from a folder of photographs", "twinpatch dataset from-photographs pictures -o dataset"}},
          .notes = "",
          .add_options = {},
          .children = std::move(sources)};
}

}  // namespace twinpatch::app
