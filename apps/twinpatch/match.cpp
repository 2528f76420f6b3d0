// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include "apps/frame/options.hpp"

#include "apps/frame/outputs.hpp"
#include "apps/frame/run_options.hpp"
#include "apps/twinpatch/commands.hpp"
#include "apps/twinpatch/engine_options.hpp"
#include "apps/twinpatch/match_photographs.hpp"
#include "apps/twinpatch/match_report.hpp"
#include "apps/twinpatch/photograph.hpp"
#include "twinpatch/core/stopwatch.hpp"
#include "twinpatch/core/units.hpp"

namespace twinpatch::app {
namespace {

struct MatchOptions {
  EngineOptions engine;
  PhotographOptions photographs;
  std::string left, right;
  std::string left_keypoints, right_keypoints;
  bool no_mutual = false;
  bool refine = false;
  std::string rerank;
  std::optional<float> ratio;
  std::optional<float> threshold;
  GuideChoice guide;
  bool probability = false;
  std::string homography;
  std::string out, view, patches;

  void validate(bool json) const;
  [[nodiscard]] MatchRules rules() const;
  /// Pixels of patches on the host, not only what the network makes of them.
  [[nodiscard]] bool needs_patches() const { return !patches.empty() || refine || !rerank.empty(); }
};

MatchRules MatchOptions::rules() const {
  MatchRules rules{.mutual = !no_mutual, .ratio = ratio};
  if (!rerank.empty()) rules.threshold = 0;  // below, "none of them" is likelier than the best candidate
  if (threshold) rules.threshold = *threshold;
  return rules;
}

void MatchOptions::validate(bool json) const {
  photographs.validate();
  engine.execution.validate();
  guide.validate();
  refuse_database_guide(guide);
  if (ratio && !(*ratio > 0 && *ratio <= 1))
    throw UsageError(fmt::format("--ratio must be in (0, 1], found {}", *ratio));
  if (!rerank.empty() && (ratio || probability))
    throw UsageError(
        "--rerank adds two scores: the sum is no distance (--ratio) and has no calibration (--probability)");
  if (photographs.affine && (left_keypoints.empty() || right_keypoints.empty())) {
    throw UsageError("--affine needs --keypoints-left and --keypoints-right: keypoints detected here have no shape");
  }
  Outputs outputs;
  for (const auto& input : {left, right, left_keypoints, right_keypoints, homography, rerank}) outputs.add_input(input);
  outputs.add("-o", out);
  outputs.add("--view", view);
  outputs.add("--patches", patches);
  if (json || out.empty()) outputs.add_printed(json ? "--json" : "the matches");
  outputs.check();
}

/// A 2-channel network sees every pair anew: minutes for two photographs. Says so before it starts.
void announce_long_grid(Session& session, Engine& engine, const Photograph& left, const Photograph& right) {
  if (has_descriptors(engine.spec())) return;
  const auto pairs = static_cast<std::int64_t>(left.keypoints.size() * right.keypoints.size());
  if (pairs < 20'000) return;
  const auto side =
      static_cast<std::int32_t>(std::min({left.keypoints.size(), right.keypoints.size(), std::size_t{256}}));
  std::vector<IndexPair> trial;
  trial.reserve(static_cast<std::size_t>(side));
  for (std::int32_t i = 0; i < side; ++i) trial.push_back({i, i});
  (void)engine.score(left.patches.view(), right.patches.view(), trial);  // plans and warms up
  const Stopwatch watch;
  (void)engine.score(left.patches.view(), right.patches.view(), trial);
  const double seconds = watch.seconds() / static_cast<double>(side) * static_cast<double>(pairs);
  session.info("{} compares pairs of patches, not descriptors: {} pairs, about {} (a siamese model takes seconds)",
               engine.spec().name, format_count(static_cast<double>(pairs)), format_seconds(seconds));
}

std::optional<Calibration> calibration_of(const Engine& engine, bool wanted) {
  if (!wanted) return std::nullopt;
  const auto& metadata = engine.model().metadata;
  const auto found = metadata.find("calibration");
  if (found != metadata.end()) return calibration_from_json(found->second);
  throw InvalidArgument(fmt::format(
      "--probability: model {} has no calibration in its metadata, so its scores cannot be turned into probabilities",
      engine.spec().name));
}

void write_results(Session& session, const MatchOptions& options, const Engine& engine, const MatchResult& result) {
  if (!options.out.empty()) write_matches(options.out, placed_matches(result));
  if (!options.view.empty()) {
    const RightEnds ends = right_ends(result);
    draw_matches(options.view, {options.left, result.left.keypoints}, {options.right, ends.keypoints}, ends.matches,
                 result.correct);
  }
  if (!options.patches.empty()) {
    draw_pairs(options.patches, result.left.patches.view(), result.right.patches.view(), result.matches);
  }
  nlohmann::ordered_json object{{"model", model_json(engine)}, {"device", engine.device()}};
  report_run(session, engine, object);
  if (session.options().json) {
    object.update(match_json(result, options.out.empty()));
    session.print_json("twinpatch.match/1", object);
  } else if (options.out.empty()) {
    session.print(format_matches(placed_matches(result)));
  }
}

/// Moves the right ends of the matches, and says what that took.
void refine_matches(Session& session, const CutOptions& cut, MatchResult& result, ThreadPool& pool) {
  const Stopwatch watch;
  const ComparedWindows windows{result.left.patches.view(), result.right.patches.view(), result.right.keypoints, cut};
  result.refined = refine(windows, result.matches, {}, pool, session.control());
  session.info("{} of {} matches refined in {}; the others keep their keypoints",
               std::ranges::count_if(result.refined, &RefinedEnd::refined), result.matches.size(),
               format_seconds(watch.seconds()));
}

ExitCode run_match(Session& session, const MatchOptions& options) {
  options.validate(session.options().json);
  if (!options.left_keypoints.empty() && !options.right_keypoints.empty()) {
    session.no_effect({"--max-keypoints"}, "keypoints come from files");
  }
  std::optional<Homography> truth;
  if (!options.homography.empty()) truth = read_homography(options.homography);
  const auto shared_engine = std::make_shared<Engine>(make_engine(session, options.engine));
  Engine& engine = *shared_engine;
  std::optional<SecondNetwork> second;
  if (!options.rerank.empty()) second = open_second(session, options.rerank, engine, options.engine.execution);
  check(options.rules(), engine.spec());
  const auto calibration = calibration_of(engine, options.probability);

  const Stopwatch watch;
  ThreadPool pool(options.engine.execution.threads);
  const Workers workers{pool, options.engine.execution.memory, engine.cuts_patches() && !options.needs_patches()};
  const Photograph left =
      read_photograph(session, {options.left, options.left_keypoints}, engine.model(), options.photographs, workers);
  const Photograph right =
      read_photograph(session, {options.right, options.right_keypoints}, engine.model(), options.photographs, workers);
  announce_long_grid(session, engine, left, right);
  const double prepared = watch.seconds();

  MatchResult result{left, right, {}, options.photographs.pixel_origin, calibration, truth};
  result.matches = match_photographs(session, {shared_engine, second ? &*second : nullptr, options.rules()},
                                     {left, right}, options.guide);
  const double compared = watch.seconds();
  if (options.refine) refine_matches(session, cut_options(options.photographs, engine.model()), result, pool);
  mark_correct(result);
  write_results(session, options, engine, result);
  session.info("{} matches of {} and {} keypoints in {} ({} of it comparing)", result.matches.size(),
               left.keypoints.size(), right.keypoints.size(), format_seconds(watch.seconds()),
               format_seconds(compared - prepared));
  if (truth && !result.matches.empty()) session.info("{}", correct_text(result, options.homography));
  return ExitCode::done;
}

Run add_match_options(Options& app) {
  auto options = std::make_shared<MatchOptions>();
  app.add_option("A", options->left, "photograph (PNG, JPEG, PNM, ...)")->required()->group(kArgumentGroup);
  app.add_option("B", options->right, "photograph to match it with")->required()->group(kArgumentGroup);
  app.add_option("-o,--out", options->out, "output file [standard output]")
      ->or_standard_output()
      ->type_name("FILE")
      ->group(kMainGroup);
  app.add_option("--view", options->view, "draw both photographs and their matches")
      ->or_standard_output()
      ->type_name("PNG")
      ->group(kMainGroup);
  app.add_option("--patches", options->patches, "draw the matched patches as the network sees them")
      ->or_standard_output()
      ->type_name("PNG")
      ->group(kMainGroup);
  app.add_option("--homography", options->homography, "true map from A to B: count the matches within 3 px")
      ->type_name("FILE")
      ->group(kMainGroup);
  app.add_option("--threshold", options->threshold, "lowest score of a match")->type_name("T")->group(kMainGroup);
  app.add_option("--ratio", options->ratio, "largest best / second-best distance (l2 and l1 networks only)")
      ->type_name("R")
      ->group(kMainGroup);
  app.add_flag("--no-mutual", options->no_mutual, "keep the best of every left keypoint, not only mutual ones")
      ->group(kMainGroup);
  add_guide_options(app, options->guide);
  app.add_flag("--refine", options->refine,
               "move the right end of each match to where the two windows agree best; adds a column")
      ->group(kMainGroup);
  app.add_option("--rerank", options->rerank,
                 "score the model's nearest by this network too (twinpatch eval --fit makes it)")
      ->type_name("FILE|NAME")
      ->group(kMainGroup);
  app.add_flag("--probability", options->probability, "add a column: the calibrated probability of a match")
      ->group(kMainGroup);
  add_engine_options(app, options->engine);
  app.add_option("--keypoints-left", options->left_keypoints,
                 "keypoints of A (lines x y sigma angle, or x y a11 a12 a21 a22; .npy [N,4] or [N,6])")
      ->type_name("FILE")
      ->group("Keypoints and patches");
  app.add_option("--keypoints-right", options->right_keypoints, "keypoints of B")
      ->type_name("FILE")
      ->group("Keypoints and patches");
  add_photograph_options(app, options->photographs);
  add_affine_option(app, options->photographs);
  return [options](Session& session) { return run_match(session, *options); };
}

}  // namespace

Command match_command() {
  return {
      .name = "match",
      .summary = "find the same points in two photographs",
      .examples = {{"lines \"x1 y1 x2 y2 score\" of mutual best matches",
                    "twinpatch match left.jpg right.jpg > matches.txt"},
                   {"with a picture of the matches, and one of their patches",
                    "twinpatch match left.jpg right.jpg --view matches.png --patches patches.png > matches.txt"},
                   {"how many are right, if the true map is known",
                    "twinpatch match graf1.png graf3.png --homography H1to3p.xml -o matches.txt"},
                   {"a second look along epipolar lines, for views from far apart",
                    "twinpatch match a.jpg b.jpg --ratio 0.8 --guided > matches.txt"},
                   {"right ends to a fraction of a pixel", "twinpatch match a.jpg b.jpg --refine > matches.txt"},
                   {"keypoints of your own, in COLMAP's pixel convention",
                    "twinpatch match a.jpg b.jpg --keypoints-left a.txt --keypoints-right b.txt --pixel-origin 0.5"}},
      .notes =
          std::string("Output: one line per match, \"x1 y1 x2 y2 score\", in order of the left keypoints; higher "
                      "scores are more similar. With --refine x2 y2 is the refined place, and a last column tells the "
                      "correlation of the aligned windows; 0: they do not align, and x2 y2 is the keypoint. ") +
          kPixelConvention,
      .add_options = add_match_options,
      .children = {}};
}

}  // namespace twinpatch::app
