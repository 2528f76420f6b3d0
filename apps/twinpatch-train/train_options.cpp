// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/twinpatch-train/train_options.hpp"

#include <fmt/format.h>

#include <initializer_list>
#include "apps/frame/options.hpp"

#include "apps/frame/run_options.hpp"

namespace twinpatch::app {
namespace {

constexpr const char* kLearning = "Learning";
constexpr const char* kPairs = "Pairs";
constexpr const char* kChanges = "Changes to the patches (augmentation)";
constexpr const char* kFolders = "Time, machine and folders";

/// How an option stands in the help.
struct Help {
  const char* name;
  std::string words;
  const char* group;
};

/// An option whose value is one of an enum's names; the default is the name of what `target` holds.
template <class T>
void add_names(Options& app, const Help& help, T& target, std::initializer_list<T> values) {
  const std::vector<T> all = values;
  std::string names;
  for (const T value : all) names += (names.empty() ? "" : ", ") + to_string(value);
  app.add_option_function(
         help.name,
         [&target, all, names, name = help.name](const std::string& word) {
           for (const T value : all) {
             if (to_string(value) != word) continue;
             target = value;
             return;
           }
           throw InvalidArgument(fmt::format("{}: \"{}\" is not one of {}", name, word, names));
         },
         fmt::format("{} ({})", help.words, names))
      ->type_name("NAME")
      ->default_str(to_string(target))
      ->group(help.group);
}

template <class T>
void add_number(Options& app, const Help& help, T& target, const char* type) {
  app.add_option(help.name, target, help.words)
      ->type_name(type)
      ->default_str(fmt::format("{:g}", double(target)))
      ->group(help.group);
}

void add_main(Options& app, TrainCommand& command) {
  auto& train = command.train;
  app.add_option("DATASET", train.datasets, "folders of patches in PhotoTour layout (twinpatch dataset makes them)")
      ->required()
      ->expected(1, 1 << 20)
      ->group(kArgumentGroup);
  app.add_option("-n,--network", train.network,
                 "name in the catalogue (twinpatch model list), or a specification (.json)")
      ->type_name("NAME")
      ->default_str(train.network)
      ->group(kMainGroup);
  app.add_option("-o,--out", command.out, "the model, .safetensors")
      ->or_standard_output()
      ->required()
      ->type_name("FILE")
      ->group(kMainGroup);
  app.add_option("--validate", train.validation, "folders to validate on: the best step there is kept")
      ->type_name("DATASET...")
      ->expected(1, 1 << 20)
      ->group(kMainGroup);
  app.add_option("--hold-out", train.hold_out, "validate on the N smallest DATASETs instead")
      ->type_name("N")
      ->default_str("0")
      ->group(kMainGroup);
  app.add_option("--minutes", train.minutes, "length of the run; the learning rate falls to 0")
      ->type_name("M")
      ->group(kMainGroup);
  app.add_option("--steps", train.steps, "length of the run in steps")->type_name("N")->group(kMainGroup);
  app.add_option("--checkpoint", train.checkpoint,
                 "folder for checkpoints, curves and the best model so far; run the same command again to resume")
      ->type_name("FOLDER")
      ->group(kMainGroup);
  app.add_flag("--half", train.half, "store fp16 weights, unless that moves FPR95 by 0.1 point")->group(kMainGroup);
}

void add_learning(Options& app, TrainOptions& train) {
  using enum LossKind;
  add_names(app, {"--loss", "loss to minimise", kLearning}, train.loss,
            {automatic, hinge, grid, triplet, softmax, energy, cosine, lists});
  add_names(app, {"--optimiser", "how weights are updated", kLearning}, train.optimiser,
            {OptimiserKind::sgd, OptimiserKind::asgd, OptimiserKind::adam});
  app.add_option("--rate", train.rate, "learning rate [chosen by loss and optimiser]")
      ->type_name("R")
      ->group(kLearning);
  add_names(app, {"--schedule", "how the rate falls", kLearning}, train.schedule,
            {ScheduleKind::constant, ScheduleKind::linear, ScheduleKind::cosine});
  add_number(app, {"--warm-up", "steps in which the rate rises from 0", kLearning}, train.warm_up, "N");
  add_number(app, {"--momentum", "of sgd and asgd", kLearning}, train.momentum, "M");
  add_number(app, {"--weight-decay", "of weights, not of biases", kLearning}, train.weight_decay, "L");
  add_number(app, {"--clip", "largest norm of the gradient; 0: no bound", kLearning}, train.clip, "NORM");
  add_names(app, {"--amp", "bf16: layers at half the width, where processor and PyTorch have it", kLearning}, train.amp,
            {Amp::off, Amp::bf16});
  add_number(app, {"--accumulate", "batches whose mean gradient makes a step", kLearning}, train.accumulate, "N");
  add_number(app, {"--average-from", "asgd: averages the steps after this share of the run", kLearning},
             train.average_from, "SHARE");
  app.add_option("--start-from", train.initial,
                 "start from the weights of this model that fit: for fine-tuning, or siam-l2 from the tower of siam")
      ->type_name("FILE")
      ->group(kLearning);
  add_number(app, {"--patience", "stop after N validations without a new best; 0: never", kLearning}, train.patience,
             "N");
}

void add_pairs(Options& app, TrainOptions& train) {
  add_number(
      app,
      {"--batch", "matching pairs per step, with as many or more non-matching ones; lists: lists per step", kPairs},
      train.batch, "N");
  add_names(app, {"--pairs", "from the points of info.txt, or from the folder's m50_*.txt", kPairs}, train.pairs,
            {PairSource::groups, PairSource::list});
  add_number(app, {"--hard", "grid: hardest negatives of each row and column", kPairs}, train.hard, "N");
  add_number(app, {"--ranking", "grid: weight of the ranking term", kPairs}, train.ranking, "W");
  add_number(app,
             {"--temperature", "of a softmax over row and column; 0: grid ranks by hinge, softmax uses 0.05", kPairs},
             train.temperature, "T");
  add_number(app, {"--mine", "hinge, energy, cosine: keep the hardest of N times as many negatives", kPairs},
             train.mine, "N");
  add_number(
      app,
      {"--leave-out", "skip this share of the hardest negatives of the same scene: they often differ only in alignment",
       kPairs},
      train.leave_out, "SHARE");
  add_number(app, {"--same-scene", "of a batch from one scene; the rest from all", kPairs}, train.same_scene, "SHARE");
  add_number(
      app,
      {"--same-images", "how often that part comes from one pair of images, as in matching (interest.txt)", kPairs},
      train.same_images, "SHARE");
  app.add_option_function(
         "--kinds", [&train](const std::string& text) { train.kinds = parse_kind_shares(text); },
         "lists: how often each kind is drawn: the most similar candidate is right; near (up to 8 px off), gross; "
         "wrong (nothing is right, but a mutual nearest), none")
      ->type_name("KIND:SHARE,...")
      ->default_str("right:1,near:1,gross:1,wrong:1,none:1")
      ->group(kPairs);
  add_number(app, {"--list-candidates", "lists: candidates scored, the right one and the most similar", kPairs},
             train.list_candidates, "N");
  add_number(app, {"--validation-pairs", "matches, and as many non-matches, of each scene", kPairs},
             train.validation_pairs, "N");
}

void add_changes(Options& app, TrainOptions& train) {
  Augmentation& changes = train.augmentation;
  app.add_flag_callback(
         "--no-turns", [&changes] { changes.turns = false; }, "no quarter turns and mirror images of both patches")
      ->group(kChanges);
  app.add_flag_callback(
         "--no-swap", [&changes] { changes.swap = false; }, "do not swap left and right")
      ->group(kChanges);
  add_number(app, {"--shift", "of each patch on its own (standard deviation)", kChanges}, changes.shift, "PIXELS");
  add_number(app, {"--angle", "likewise", kChanges}, changes.angle, "DEGREES");
  add_number(app, {"--scale", "standard deviation of the size's logarithm", kChanges}, changes.scale, "S");
  add_number(app, {"--blur", "share of patches that are blurred", kChanges}, changes.blur, "SHARE");
  add_number(app,
             {"--contrast", "standard deviation of the gain's logarithm; brightness moves by 100 times this", kChanges},
             changes.contrast, "S");
  app.add_option_function(
         "--windows", [&train](const std::string& text) { train.windows = parse_window_range(text); },
         "window of each pair, in sigma, as far as its dataset reaches (--patch-extent of twinpatch dataset)")
      ->type_name("LEAST:MOST")
      ->group(kChanges);
  app.add_option("--patch-extent", train.patch_extent, "sigma: window that the model asks for [that of the datasets]")
      ->type_name("S")
      ->group(kChanges);
  app.add_flag_callback(
         "--no-changes", [&changes] { changes = {false, false, 0, 0, 0, 0, 0}; }, "no augmentation: patches as stored")
      ->group(kChanges);
}

void add_machine(Options& app, TrainCommand& command) {
  auto& train = command.train;
  app.add_option("--device", train.device, "auto, cpu or cuda")->type_name("D")->default_str("auto")->group(kFolders);
  app.add_option("--threads", train.threads, "0: all available")->type_name("N")->default_str("0")->group(kFolders);
  add_number(app, {"--validate-every", "0: about 40 times in a run", kFolders}, train.validate_every, "STEPS");
  add_number(app, {"--checkpoint-minutes", "at least one checkpoint in this time", kFolders}, train.checkpoint_minutes,
             "M");
  app.add_option("--cache", train.cache, "folder of decoded patches [$XDG_CACHE_HOME/twinpatch]")
      ->type_name("FOLDER")
      ->group(kFolders);
  app.add_option("--license", command.license, "written into the model")->type_name("NAME")->group(kFolders);
}

}  // namespace

void add_train_options(Options& app, TrainCommand& command) {
  add_main(app, command);
  add_learning(app, command.train);
  add_pairs(app, command.train);
  add_changes(app, command.train);
  add_machine(app, command);
}

}  // namespace twinpatch::app
