// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <memory>

#include "apps/frame/run_options.hpp"
#include "apps/twinpatch/commands.hpp"
#include "apps/twinpatch/eval_datasets.hpp"

namespace twinpatch::app {
namespace {

void validate(const EvalOptions& options) {
  options.engine.execution.validate();
  if (options.report.empty()) return;
  const std::filesystem::path parent = std::filesystem::path(options.report).parent_path();
  if (!parent.empty() && !std::filesystem::is_directory(parent)) {
    throw IoError(options.report, fmt::format("--report: its folder {} does not exist", parent.string()));
  }
}

ExitCode run_eval(Session& session, const EvalOptions& options) {
  validate(options);
  switch (input_kind(options.dataset)) {
    case InputKind::photo_tour:
      return eval_photo_tour(session, options);
    case InputKind::hpatches:
      return eval_hpatches(session, options);
    default:
      break;
  }
  throw InvalidArgument(options.dataset +
                        ": expected a PhotoTour folder or a folder of HPatches sequences, found a file");
}

Run add_eval_options(CLI::App& app) {
  auto options = std::make_shared<EvalOptions>();
  app.add_option("DATASET", options->dataset, "PhotoTour folder, or a folder of HPatches sequences")
      ->required()
      ->group(kArgumentGroup);
  add_engine_options(app, options->engine);
  app.add_option("--pairs", options->pairs, "PhotoTour: labelled list; else the largest m50_*.txt of the folder")
      ->type_name("FILE")
      ->group(kMainGroup);
  app.add_flag("--no-baselines", options->no_baselines, "the model alone")->group(kMainGroup);
  app.add_option("--report", options->report, "PhotoTour: write a page with curves and the worst pairs there")
      ->type_name("DIR")
      ->group(kMainGroup);
  return [options](Session& session) { return run_eval(session, *options); };
}

}  // namespace

Command eval_command() {
  return {
      .name = "eval",
      .summary = "measure how well a model tells matching patches from others",
      .examples =
          {{"FPR95, ROC AUC and AP on a PhotoTour folder", "twinpatch eval liberty/ --model siam"},
           {"on a list of your own, as JSON", "twinpatch eval liberty/ --model my.safetensors --pairs hard.txt --json"},
           {"a page with ROC curves and the worst pairs", "twinpatch eval liberty/ --model siam --report report"},
           {"verification, matching and retrieval on HPatches", "twinpatch eval hpatches-release/ --model siam"}},
      .notes =
          "Four different figures are called FPR95; each is printed under the name of the code that defines it: "
          "deepcompare-lua (FPR where TPR is nearest to 0.95), deepcompare-pytorch (interpolated at TPR = 0.95), "
          "matchnet (a false discovery rate), hardnet (over the prefix before the threshold).\n"
          "Baselines are compared on the same pairs: what a network must beat.",
      .add_options = add_eval_options,
      .children = {}};
}

}  // namespace twinpatch::app
