// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>
#include "apps/frame/options.hpp"

#include "apps/frame/outputs.hpp"
#include "apps/frame/run_options.hpp"
#include "apps/twinpatch/commands.hpp"
#include "apps/twinpatch/engine_options.hpp"
#include "apps/twinpatch/patch_input.hpp"
#include "twinpatch/formats/npy.hpp"
#include "twinpatch/patches/pair_list.hpp"

namespace twinpatch::app {
namespace {

struct ScoreOptions {
  EngineOptions engine;
  PatchReading reading;
  std::string patches;
  std::string right;
  std::string pairs;
  std::string out;

  void validate(bool json) const;
};

void ScoreOptions::validate(bool json) const {
  engine.execution.validate();
  Outputs outputs;
  for (const auto& input : {patches, right, pairs}) outputs.add_input(input);
  outputs.add("-o", out);
  if (json) outputs.add_printed("--json");
  outputs.check();
}

ExitCode run_score(Session& session, const ScoreOptions& options) {
  options.validate(session.options().json);
  const PairList list = read_pair_list(options.pairs);
  Engine engine = make_engine(session, options.engine);
  const PatchSet left = read_one_patch_set(session, options.patches, engine.spec(), options.reading);
  PatchSet other;
  if (!options.right.empty()) other = read_one_patch_set(session, options.right, engine.spec(), options.reading);
  const PatchView right = options.right.empty() ? left.view() : other.view();
  check_pairs(list.pairs, left.size(), right.count, options.pairs);
  if (list.pairs.empty()) session.warn("{}: no pairs", options.pairs);

  const std::vector<float> scores = options.right.empty()
                                        ? engine.score(left.view(), list.pairs, session.control())
                                        : engine.score(left.view(), right, list.pairs, session.control());
  const auto count = static_cast<std::int64_t>(scores.size());
  write_npy<float>(options.out, scores, {count});
  session.info("{}: scores of {} pairs", options.out, count);
  nlohmann::ordered_json object{{"model", model_json(engine)},
                                {"device", engine.device()},
                                {"patches", left.size()},
                                {"pairs", count},
                                {"out", options.out}};
  report_run(session, engine, object);
  if (session.options().json) session.print_json("twinpatch.score/1", object);
  return ExitCode::done;
}

Run add_score_options(Options& app) {
  auto options = std::make_shared<ScoreOptions>();
  app.add_option("PATCHES", options->patches, "patches: .npy uint8 [N,H,W], or a PhotoTour folder")
      ->required()
      ->group(kArgumentGroup);
  app.add_option("--pairs", options->pairs, ".npy int32 [M,2], or a PhotoTour list m50_*.txt")
      ->required()
      ->type_name("FILE")
      ->group(kMainGroup);
  app.add_option("-o,--out", options->out, "scores, .npy float32 [M]")
      ->or_standard_output()
      ->required()
      ->type_name("NPY")
      ->group(kMainGroup);
  app.add_option("--right", options->right, "take the right patch of every pair from this set")
      ->type_name("PATCHES")
      ->group(kMainGroup);
  add_engine_options(app, options->engine);
  add_reading_options(app, options->reading);
  return [options](Session& session) { return run_score(session, *options); };
}

}  // namespace

Command score_command() {
  return {.name = "score",
          .summary = "score listed pairs of patches",
          .examples = {{"pairs of one array of patches", "twinpatch score patches.npy --pairs pairs.npy -o scores.npy"},
                       {"the list of a PhotoTour folder, with a 2-channel network",
                        "twinpatch score liberty/ --pairs liberty/m50_100000_100000_0.txt --model 2ch -o scores.npy"},
                       {"left and right patches from two arrays",
                        "twinpatch score left.npy --right right.npy --pairs pairs.npy -o scores.npy"}},
          .notes =
              "Higher scores are more similar; they are the network's output, not probabilities. Score i "
              "belongs to line (row) i of the list. Networks with a decision part treat left and right differently.",
          .add_options = add_score_options,
          .children = {}};
}

}  // namespace twinpatch::app
