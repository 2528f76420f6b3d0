// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>
#include "apps/frame/options.hpp"

#include "apps/frame/outputs.hpp"
#include "apps/frame/run_options.hpp"
#include "apps/twinpatch/commands.hpp"
#include "apps/twinpatch/eval_datasets.hpp"

namespace twinpatch::app {
namespace {

void validate(const EvalOptions& options) {
  options.engine.execution.validate();
  if (options.max_keypoints < 0)
    throw UsageError(fmt::format("--max-keypoints must not be negative, found {}", options.max_keypoints));
  if (options.candidates < 1)
    throw UsageError(fmt::format("--candidates must be at least 1, found {}", options.candidates));
  if (options.extent && !(*options.extent > 0 && *options.extent <= 1000))
    throw UsageError(fmt::format("--patch-extent must be in (0, 1000], found {}", *options.extent));
  if (options.report.empty()) return;
  std::filesystem::path folder = options.report;
  if (!folder.has_filename()) folder = folder.parent_path();  // "report/"
  const std::filesystem::path parent = folder.parent_path();
  if (!parent.empty() && !std::filesystem::is_directory(parent)) {
    throw IoError(options.report, fmt::format("--report: its folder {} does not exist", parent.string()));
  }
}

void validate_two_stages(const EvalOptions& options, InputKind kind) {
  if (options.rerank.empty() && !options.fit.empty()) throw UsageError("--fit needs --rerank");
  if (!options.rerank.empty() && kind != InputKind::image_sequence)
    throw UsageError("--rerank is for image sequences: labelled pairs need no candidates");
  Outputs outputs;
  outputs.add_input(options.dataset);
  outputs.add_input(options.rerank);
  outputs.add("--fit", options.fit);
  outputs.check();
}

ExitCode run_eval(Session& session, const EvalOptions& options) {
  validate(options);
  const InputKind kind = input_kind(options.dataset);
  validate_two_stages(options, kind);
  switch (kind) {
    case InputKind::photo_tour:
      return eval_photo_tour(session, options);
    case InputKind::hpatches:
      return eval_hpatches(session, options);
    case InputKind::image_sequence:
      return eval_sequences(session, options);
    default:
      break;
  }
  throw InvalidArgument(options.dataset +
                        ": expected a PhotoTour folder, HPatches sequences or image sequences, found a file");
}

Run add_eval_options(Options& app) {
  auto options = std::make_shared<EvalOptions>();
  app.add_option("DATASET", options->dataset, "PhotoTour folder, HPatches sequences, or images with homographies")
      ->required()
      ->group(kArgumentGroup);
  add_engine_options(app, options->engine);
  app.add_option("--pairs", options->pairs, "PhotoTour: labelled list; else the largest m50_*.txt of the folder")
      ->type_name("FILE")
      ->group(kMainGroup);
  app.add_option("--tasks", options->tasks, "HPatches: folder with splits.json and its authors' task files")
      ->type_name("DIR")
      ->group(kMainGroup);
  app.add_option("--split", options->split, "HPatches: a, b, c, full, illum or view")
      ->type_name("NAME")
      ->default_str(options->split)
      ->group(kMainGroup);
  app.add_option("--beside", options->beside, "models to compare it with")
      ->type_name("FILE|NAME...")
      ->expected(1, 64)
      ->group(kMainGroup);
  app.add_flag("--snn", options->snn, "PhotoTour: also SNN-mAP, by the reference images in interest.txt")
      ->group(kMainGroup);
  app.add_flag("--no-baselines", options->no_baselines, "without root-SIFT and pixels")->group(kMainGroup);
  app.add_option("-o,--out,--report", options->report, "PhotoTour: write a page with curves and the worst pairs there")
      ->type_name("DIR")
      ->group(kMainGroup);
  app.add_option("--max-keypoints", options->max_keypoints, "image sequences: the strongest SIFT keypoints; 0: all")
      ->type_name("N")
      ->default_str(std::to_string(options->max_keypoints))
      ->group(kMainGroup);
  app.add_option("--patch-extent", options->extent,
                 "image sequences: side of a patch's window in sigma [each model's, else 12]")
      ->type_name("F")
      ->group(kMainGroup);
  app.add_option("--candidates", options->candidates,
                 "image sequences: 2-channel networks compare this many nearest by root-SIFT")
      ->type_name("N")
      ->default_str(std::to_string(options->candidates))
      ->group(kMainGroup);
  app.add_option("--rerank", options->rerank,
                 "image sequences: the model's nearest are scored by this network too (a row of its own)")
      ->type_name("FILE|NAME")
      ->group(kMainGroup);
  app.add_option("--fit", options->fit,
                 "write --rerank's network with weights for both scores, fitted here on --candidates nearest")
      ->type_name("FILE")
      ->group(kMainGroup);
  return [options](Session& session) { return run_eval(session, *options); };
}

}  // namespace

Command eval_command() {
  return {
      .name = "eval",
      .summary = "measure how well a model separates matching patches from others",
      .examples =
          {{"FPR95, ROC AUC and AP on a PhotoTour folder", "twinpatch eval liberty/ --model siam"},
           {"on a list of your own, as JSON", "twinpatch eval liberty/ --model my.safetensors --pairs hard.txt --json"},
           {"a page with ROC curves and the worst pairs", "twinpatch eval liberty/ --model siam --report report"},
           {"models beside each other, an imported one among them",
            "twinpatch eval liberty/ --model hard128 --beside siam 2ch_yosemite.safetensors"},
           {"HPatches' three tasks on its split a",
            "twinpatch eval hpatches-release/ --tasks hpatches-benchmark/tasks -m hard128"},
           {"matching photographs of a wall, as in the Mikolajczyk benchmark", "twinpatch eval oxford_graf/ -m siam"}},
      .notes =
          "Four different figures are called FPR95; each is printed under the name of the code that defines it: "
          "deepcompare-lua (FPR where TPR is nearest to 0.95), deepcompare-pytorch (interpolated at TPR = 0.95), "
          "matchnet (a false discovery rate), hardnet (over the prefix before the threshold).\n"
          "SNN-mAP is matching within images by the ratio to the second nearest, as brown_phototour_revisited has it. "
          "HPatches: matching needs no task files; without --tasks it is all that runs, on all sequences.\n"
          "Image sequences are folders of img1.pgm, img2.pgm ... and H1to2p ... (or 1.ppm ... and H_1_2 ...), or a "
          "folder "
          "of such folders: the keypoints of the first image are matched with those of every other.\n"
          "Baselines run on the same pairs.",
      .add_options = add_eval_options,
      .children = {}};
}

}  // namespace twinpatch::app
