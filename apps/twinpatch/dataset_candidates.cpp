// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "apps/frame/options.hpp"
#include "apps/frame/run_options.hpp"
#include "apps/twinpatch/commands.hpp"
#include "apps/twinpatch/dataset_options.hpp"
#include "apps/twinpatch/engine_options.hpp"
#include "twinpatch/dataset/candidates.hpp"

namespace twinpatch::app {
namespace {

constexpr const char* kLayout =
    "The model finds the nearest of every keypoint, in both directions; the dataset has, keypoint by keypoint, its "
    "candidates in another image with similarity, distance in pixels to the true place, differences of scale and "
    "angle, and whether the two are each other's nearest. Labels are drawn from the distances in training "
    "(twinpatch-train --loss lists). docs/files.md describes the arrays. It appears whole or not at all.";

/// What the three sources share.
struct CandidateCommand {
  EngineOptions engine;
  CandidateOptions lists;
};

void add_list_options(Options& app, CandidateCommand& command) {
  CandidateOptions& lists = command.lists;
  app.add_option("-o,--out", lists.folder, "folder of the dataset")
      ->never_standard_output()
      ->required()
      ->type_name("DIR")
      ->group(kMainGroup);
  app.add_flag("--replace", lists.replace, "replace a dataset of that name")->group(kMainGroup);
  add(app, "--candidates", lists.nearest, "nearest of each keypoint, in each direction", kMainGroup);
  add(app, "--max-keypoints", lists.max_keypoints, "of each image; 0: all", kMainGroup);
  add(app, "--patch-extent", lists.extent, "side of a patch's window, in sigma", kMainGroup);
  app.add_flag("--upright", lists.upright, "ignore the keypoints' angles")->group(kMainGroup);
  add_engine_options(app, command.engine);
}

ExitCode report(Session& session, const CandidateCommand& command, const CandidateSummary& summary,
                const Engine& engine) {
  session.info("{}: {} candidates in {} lists, {} of them with one within 3 px; {} patches of {} images, {} pairs",
               command.lists.folder.string(), summary.candidates, summary.lists, summary.lists_within, summary.patches,
               summary.images, summary.image_pairs);
  nlohmann::ordered_json object{{"out", command.lists.folder},
                                {"model", model_json(engine)},
                                {"images", summary.images},
                                {"image_pairs", summary.image_pairs},
                                {"patches", summary.patches},
                                {"lists", summary.lists},
                                {"lists_within_3_pixels", summary.lists_within},
                                {"candidates", summary.candidates},
                                {"content_hash", summary.content_hash}};
  const ExitCode code = report_left_out(session, summary.left_out, object);
  if (session.options().json) session.print_json("twinpatch.candidates/1", object);
  return code;
}

/// A run of `make` on the images of one source.
template <class Source, class Make>
Run run_of(std::shared_ptr<CandidateCommand> command, std::shared_ptr<Source> source, Make make) {
  return [command = std::move(command), source = std::move(source), make](Session& session) {
    command->engine.execution.validate();
    CandidateOptions lists = command->lists;
    lists.seed = session.options().seed;
    Engine engine = make_engine(session, command->engine);
    ThreadPool pool(command->engine.execution.threads);
    return report(session, *command, make(lists, *source, CandidateFinder{engine, pool, session.control()}), engine);
  };
}

Run add_homographies(Options& app) {
  auto command = std::make_shared<CandidateCommand>();
  auto folders = std::make_shared<std::vector<std::filesystem::path>>();
  app.add_option("FOLDER", *folders, "folders with img1.pgm ... and H1to2p ...")->required()->group(kArgumentGroup);
  add_list_options(app, *command);
  return run_of(command, folders, candidates_from_homographies);
}

Run add_photographs(Options& app) {
  auto command = std::make_shared<CandidateCommand>();
  auto photographs = std::make_shared<PhotographViews>();
  app.add_option("PATH", photographs->paths, "folders, searched recursively, and image files")
      ->required()
      ->group(kArgumentGroup);
  add_list_options(app, *command);
  add_warp_options(app, photographs->warp, photographs->max_side);
  return run_of(command, photographs, candidates_from_photographs);
}

Run add_colmap(Options& app) {
  auto command = std::make_shared<CandidateCommand>();
  auto images = std::make_shared<ReconstructedImages>();
  app.add_option("MODEL", images->model, "folder with cameras, images and points3D, .bin or .txt")
      ->required()
      ->group(kArgumentGroup);
  app.add_option("IMAGES", images->images, "folder of the photographs")->required()->group(kArgumentGroup);
  app.add_option("--database", images->database, "COLMAP's database: its keypoints, the largest first [detected again]")
      ->type_name("FILE")
      ->group(kMainGroup);
  add_list_options(app, *command);
  add(app, "--partners", images->partners, "of each image, drawn from those that share points with it", kMainGroup);
  return run_of(command, images, candidates_from_colmap);
}

}  // namespace

std::vector<Command> candidate_commands() {
  return {
      {.name = "candidates-from-colmap",
       .summary = "candidate lists of a COLMAP reconstruction, for training in two stages",
       .examples = {{"a finished reconstruction",
                     "twinpatch dataset candidates-from-colmap sparse/0 images --database database.db -o lists"}},
       .notes = std::string(kLayout) +
                "\n\nA keypoint has a list if the model knows its point and that is seen in the other image; "
                "candidates are all keypoints.",
       .add_options = add_colmap,
       .children = {}},
      {.name = "candidates-from-homographies",
       .summary = "candidate lists of image sequences with known homographies",
       .examples = {{"two sequences", "twinpatch dataset candidates-from-homographies boat trees -o lists"}},
       .notes = kLayout,
       .add_options = add_homographies,
       .children = {}},
      {.name = "candidates-from-photographs",
       .summary = "candidate lists of photographs and random views of them",
       .examples = {{"all pictures below a folder", "twinpatch dataset candidates-from-photographs pictures -o lists"}},
       .notes = kLayout,
       .add_options = add_photographs,
       .children = {}}};
}

}  // namespace twinpatch::app
