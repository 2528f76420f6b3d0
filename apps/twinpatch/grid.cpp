// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>
#include <optional>
#include "apps/frame/options.hpp"

#include "apps/frame/outputs.hpp"
#include "apps/frame/run_options.hpp"
#include "apps/twinpatch/commands.hpp"
#include "apps/twinpatch/engine_options.hpp"
#include "apps/twinpatch/grid_output.hpp"
#include "apps/twinpatch/two_stages.hpp"
#include "twinpatch/core/units.hpp"

namespace twinpatch::app {
namespace {

struct GridCommandOptions {
  EngineOptions engine;
  PatchReading reading;
  std::string left, right;
  int top = 1;
  bool mutual = false;
  std::optional<float> ratio;
  std::optional<float> threshold;
  std::string rerank;
  std::string out;
  std::string full;

  void validate(bool json) const;
  [[nodiscard]] bool wants_pairs() const { return mutual || ratio.has_value(); }
  [[nodiscard]] MatchRules rules() const;
  [[nodiscard]] GridOptions grid() const;
};

MatchRules GridCommandOptions::rules() const {
  MatchRules rules{.mutual = mutual, .ratio = ratio};
  if (!rerank.empty()) rules.threshold = 0;  // below, "none of them" is likelier than the best candidate
  if (threshold) rules.threshold = *threshold;
  return rules;
}

GridOptions GridCommandOptions::grid() const {
  GridOptions grid{.top_k = top, .column_best = mutual};
  // A ratio needs the second best even where that one is below the threshold, which is then applied afterwards.
  if (!ratio) grid.threshold = rules().threshold;
  return grid;
}

void GridCommandOptions::validate(bool json) const {
  engine.execution.validate();
  if (top < 1) throw UsageError(fmt::format("--top must be at least 1, found {}", top));
  if (ratio && !(*ratio > 0 && *ratio <= 1))
    throw UsageError(fmt::format("--ratio must be in (0, 1], found {}", *ratio));
  if (ratio && top < 2) throw UsageError("--ratio compares the best with the second best: it needs --top 2 or more");
  if (out.empty() && full.empty()) throw UsageError("set the output: -o PREFIX, --full FILE, or both");
  if (out.empty() && wants_pairs()) throw UsageError("--mutual and --ratio write pairs: they need -o PREFIX");
  if (!rerank.empty() && ratio) throw UsageError("--rerank adds two scores: the sum is no distance (--ratio)");
  if (!rerank.empty() && !full.empty())
    throw UsageError("--full writes every score, --rerank scores the nearest alone: leave out one of them");
  Outputs outputs;
  for (const auto& input : {left, right, rerank}) outputs.add_input(input);
  const GridFiles files(out);
  outputs.add("-o", files.indices);
  outputs.add("-o", files.scores);
  if (wants_pairs()) outputs.add("-o", files.pairs);
  if (wants_pairs()) outputs.add("-o", files.pair_scores);
  outputs.add("--full", full);
  if (json) outputs.add_printed("--json");
  outputs.check();
}

/// Candidates of the model, scored by the second network too.
Selected select_in_two_stages(Session& session, Comparer& comparer, const GridInput& left, const GridInput& right,
                              const GridOptions& options) {
  for (const GridInput* input : {&left, &right}) {
    if (input->descriptors)
      throw InvalidArgument(
          fmt::format("{} holds descriptors; --rerank needs the patches, which its network compares", input->path));
  }
  return comparer.best(left.patches.view(), right.patches.view(), options, session.control());
}

Selected walk(Session& session, Engine& engine, const GridInput& left, const GridInput& right,
              const GridCommandOptions& options) {
  if (!options.full.empty()) return write_full_grid(session, engine, {left, right}, options.grid(), options.full);
  return engine.grid(left.side(), right.side(), options.grid(), session.control());
}

ExitCode run_grid(Session& session, const GridCommandOptions& options) {
  options.validate(session.options().json);
  if (options.out.empty()) session.no_effect({"--top", "--threshold"}, "--full writes every score, and there is no -o");
  const auto shared_engine = std::make_shared<Engine>(make_engine(session, options.engine));
  Engine& engine = *shared_engine;
  std::unique_ptr<Comparer> two_stages;
  if (!options.rerank.empty())
    two_stages = make_two_stages(session, options.rerank, shared_engine, options.engine.execution);
  check(options.rules(), engine.spec());
  const GridInput left = read_grid_input(session, options.left, engine, options.reading);
  const GridInput right = read_grid_input(session, options.right, engine, options.reading);
  Selected selected = two_stages != nullptr ? select_in_two_stages(session, *two_stages, left, right, options.grid())
                                            : walk(session, engine, left, right, options);

  nlohmann::ordered_json object{{"model", model_json(engine)},
                                {"device", engine.device()},
                                {"rows", selected.rows},
                                {"columns", selected.columns},
                                {"top", selected.top_k}};
  const GridFiles files(options.out);
  if (options.wants_pairs()) {
    const std::vector<Match> pairs = matches(selected, options.rules());
    write_pairs(files, pairs);
    object["pairs"] = files.pairs.string();
    object["pair_scores"] = files.pair_scores.string();
    object["pair_count"] = pairs.size();
    session.info("{}: {} pairs", files.pairs.string(), pairs.size());
  }
  if (!options.out.empty()) {
    if (options.threshold) drop_below(selected, *options.threshold);
    write_selected(files, selected);
    object["indices"] = files.indices.string();
    object["scores"] = files.scores.string();
    session.info("{} and {}: the best {} of {} for each of {}", files.indices.string(), files.scores.string(),
                 selected.top_k, selected.columns, selected.rows);
  }
  if (!options.full.empty()) object["full"] = options.full;
  report_run(session, engine, object);
  if (session.options().json) session.print_json("twinpatch.grid/1", object);
  return ExitCode::done;
}

Run add_grid_options(Options& app) {
  auto options = std::make_shared<GridCommandOptions>();
  const char* what = "patches (.npy uint8 [N,H,W], PhotoTour folder), or descriptors (.npy float32 [N,D])";
  app.add_option("LEFT", options->left, what)->required()->group(kArgumentGroup);
  app.add_option("RIGHT", options->right, "the same for the right side")->required()->group(kArgumentGroup);
  app.add_option("-o,--out", options->out, "write PREFIX.indices.npy and PREFIX.scores.npy, both [N,K]")
      ->never_standard_output()
      ->type_name("PREFIX")
      ->group(kMainGroup);
  app.add_option("-k,--top", options->top, "best scores kept for each left patch")
      ->type_name("K")
      ->default_str("1")
      ->group(kMainGroup);
  app.add_flag("--mutual", options->mutual, "also write the mutual bests: PREFIX.pairs.npy, PREFIX.pair_scores.npy")
      ->group(kMainGroup);
  app.add_option("--threshold", options->threshold, "lowest score that is kept")->type_name("T")->group(kMainGroup);
  app.add_option("--ratio", options->ratio, "pairs: largest best / second-best distance (l2 and l1 networks only)")
      ->type_name("R")
      ->group(kMainGroup);
  app.add_option("--full", options->full, "also write every score, .npy float32 [N,M]")
      ->or_standard_output()
      ->type_name("NPY")
      ->group(kMainGroup);
  app.add_option("--rerank", options->rerank,
                 "score the model's nearest by this network too (twinpatch eval --fit makes it)")
      ->type_name("FILE|NAME")
      ->group(kMainGroup);
  add_engine_options(app, options->engine);
  add_reading_options(app, options->reading);
  return [options](Session& session) { return run_grid(session, *options); };
}

}  // namespace

Command grid_command() {
  return {
      .name = "grid",
      .summary = "compare every left patch with every right one",
      .examples = {{"the two best right patches of each left one", "twinpatch grid left.npy right.npy --top 2 -o best"},
                   {"mutual bests above a score, from descriptors made earlier",
                    "twinpatch grid left_desc.npy right_desc.npy --mutual --threshold 0.5 -o best"},
                   {"every score", "twinpatch grid left.npy right.npy --full scores.npy"}},
      .notes =
          "PREFIX.indices.npy is int32 [N,K], PREFIX.scores.npy float32 [N,K]: column 0 is the best; ties go to the "
          "lower index; if fewer than K scores pass the threshold, index -1 and score -infinity.\n"
          "PREFIX.pairs.npy is int32 [P,2] (left, right) with PREFIX.pair_scores.npy float32 [P], in order of "
          "the left index.\n"
          "With --rerank scores are a * similarity + b * network - none, of the nearest of both directions alone; what "
          "is "
          "below 0 (or --threshold) is not kept, since \"none of them\" is likelier.\n"
          "The matrix of scores is never in memory, not even with --full: a million by a million works.",
      .add_options = add_grid_options,
      .children = {}};
}

}  // namespace twinpatch::app
