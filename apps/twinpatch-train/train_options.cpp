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

/// An option whose value is one of an enum's names; the default is the name of what `target` holds.
template <class T>
void add_names(Options& app, const char* name, T& target, std::initializer_list<T> values, const std::string& words,
               const char* group) {
  const std::vector<T> all = values;
  std::string names;
  for (const T value : all) names += (names.empty() ? "" : ", ") + to_string(value);
  app.add_option_function(
         name,
         [&target, all, names, name](const std::string& word) {
           for (const T value : all) {
             if (to_string(value) != word) continue;
             target = value;
             return;
           }
           throw InvalidArgument(fmt::format("{}: \"{}\" is none of {}", name, word, names));
         },
         fmt::format("{} ({})", words, names))
      ->type_name("NAME")
      ->default_str(to_string(target))
      ->group(group);
}

template <class T>
void add_number(Options& app, const char* name, T& target, const char* type, const std::string& words,
                const char* group) {
  app.add_option(name, target, words)->type_name(type)->default_str(fmt::format("{:g}", double(target)))->group(group);
}

void add_main(Options& app, TrainCommand& command) {
  auto& train = command.train;
  app.add_option("DATASET", train.datasets, "folders of patches in PhotoTour layout (twinpatch dataset makes them)")
      ->required()
      ->expected(1, 1 << 20)
      ->group(kArgumentGroup);
  app.add_option("-n,--network", train.network, "of the catalogue (twinpatch model list), or a spec's .json")
      ->type_name("NAME")
      ->default_str(train.network)
      ->group(kMainGroup);
  app.add_option("-o,--out", command.out, "the model, .safetensors")->required()->type_name("FILE")->group(kMainGroup);
  app.add_option("--validate", train.validation, "folders that are not trained on: the best step there is kept")
      ->type_name("DATASET...")
      ->expected(1, 1 << 20)
      ->group(kMainGroup);
  app.add_option("--hold-out", train.hold_out, "keep the N smallest DATASETs for validation instead")
      ->type_name("N")
      ->default_str("0")
      ->group(kMainGroup);
  app.add_option("--minutes", train.minutes, "length of the run; the learning rate falls to 0 at its end")
      ->type_name("M")
      ->group(kMainGroup);
  app.add_option("--steps", train.steps, "the same in steps")->type_name("N")->group(kMainGroup);
  app.add_option("--checkpoint", train.checkpoint,
                 "keep checkpoints, curves and the best model so far here; the same command goes on from there")
      ->type_name("FOLDER")
      ->group(kMainGroup);
  app.add_flag("--half", train.half, "store fp16 weights, where FPR95 does not move by 0.1 point")->group(kMainGroup);
}

void add_learning(Options& app, TrainOptions& train) {
  using enum LossKind;
  add_names(app, "--loss", train.loss, {automatic, hinge, grid, triplet, softmax, energy, cosine}, "what is minimised",
            kLearning);
  add_names(app, "--optimiser", train.optimiser, {OptimiserKind::sgd, OptimiserKind::asgd, OptimiserKind::adam},
            "how weights move", kLearning);
  app.add_option("--rate", train.rate, "learning rate; chosen by loss and optimiser where not given")
      ->type_name("R")
      ->group(kLearning);
  add_names(app, "--schedule", train.schedule, {ScheduleKind::constant, ScheduleKind::linear, ScheduleKind::cosine},
            "how the rate falls", kLearning);
  add_number(app, "--warm-up", train.warm_up, "N", "steps in which the rate rises from 0", kLearning);
  add_number(app, "--momentum", train.momentum, "M", "of sgd and asgd", kLearning);
  add_number(app, "--weight-decay", train.weight_decay, "L", "of weights, not of biases", kLearning);
  add_number(app, "--clip", train.clip, "NORM", "largest norm of the gradient; 0: no bound", kLearning);
  add_number(app, "--average-from", train.average_from, "SHARE", "asgd: averages the steps after this share of the run",
             kLearning);
  app.add_option("--start-from", train.initial,
                 "start with those weights of this model that fit: fine-tuning, or a tower for siam-l2 from siam")
      ->type_name("FILE")
      ->group(kLearning);
  add_number(app, "--patience", train.patience, "N", "stop after N validations without a new best; 0: never",
             kLearning);
}

void add_pairs(Options& app, TrainOptions& train) {
  add_number(app, "--batch", train.batch, "N", "matching pairs a step; as many or more that do not match come along",
             kPairs);
  add_names(app, "--pairs", train.pairs, {PairSource::groups, PairSource::list},
            "from the points of info.txt, or as the folder's m50_*.txt lists them", kPairs);
  add_number(app, "--hard", train.hard, "N", "grid: hardest negatives of each row and column", kPairs);
  add_number(app, "--ranking", train.ranking, "W", "grid: weight of a match having to beat its competitors", kPairs);
  add_number(app, "--temperature", train.temperature, "T",
             "of a softmax over row and column. 0: grid ranks by hinge, softmax takes 0.05", kPairs);
  add_number(app, "--mine", train.mine, "N", "hinge, energy, cosine: keep the hardest of N times as many negatives",
             kPairs);
  add_number(app, "--leave-out", train.leave_out, "SHARE",
             "of the hardest negatives of the same scene: look-alikes that differ by alignment only", kPairs);
  add_number(app, "--same-scene", train.same_scene, "SHARE", "of a batch from one scene; the rest from all", kPairs);
  add_number(app, "--same-images", train.same_images, "SHARE",
             "how often that part comes from one pair of images, as when they are matched (interest.txt)", kPairs);
  add_number(app, "--validation-pairs", train.validation_pairs, "N", "matches, and as many others, of each scene",
             kPairs);
}

void add_changes(Options& app, Augmentation& changes) {
  app.add_flag_callback(
         "--no-turns", [&changes] { changes.turns = false; }, "no quarter turns and mirror images of both patches")
      ->group(kChanges);
  app.add_flag_callback(
         "--no-swap", [&changes] { changes.swap = false; }, "left and right stay")
      ->group(kChanges);
  add_number(app, "--shift", changes.shift, "PIXELS", "of each patch on its own (standard deviation)", kChanges);
  add_number(app, "--angle", changes.angle, "DEGREES", "likewise", kChanges);
  add_number(app, "--scale", changes.scale, "S", "likewise, of the size's logarithm", kChanges);
  add_number(app, "--blur", changes.blur, "SHARE", "of the patches is blurred", kChanges);
  add_number(app, "--contrast", changes.contrast, "S", "of the gain's logarithm; brightness moves by 100 times this",
             kChanges);
  app.add_flag_callback(
         "--no-changes", [&changes] { changes = {false, false, 0, 0, 0, 0, 0}; }, "patches as they are stored")
      ->group(kChanges);
}

void add_machine(Options& app, TrainCommand& command) {
  auto& train = command.train;
  app.add_option("--device", train.device, "auto, cpu or cuda")->type_name("D")->default_str("auto")->group(kFolders);
  app.add_option("--threads", train.threads, "0: all this process may use")
      ->type_name("N")
      ->default_str("0")
      ->group(kFolders);
  add_number(app, "--validate-every", train.validate_every, "STEPS", "0: about 40 times in a run", kFolders);
  add_number(app, "--checkpoint-minutes", train.checkpoint_minutes, "M", "write one at least this often", kFolders);
  app.add_option("--cache", train.cache, "decoded patches are kept here [$XDG_CACHE_HOME/twinpatch]")
      ->type_name("FOLDER")
      ->group(kFolders);
  app.add_option("--license", command.license, "written into the model")->type_name("NAME")->group(kFolders);
}

}  // namespace

void add_train_options(Options& app, TrainCommand& command) {
  add_main(app, command);
  add_learning(app, command.train);
  add_pairs(app, command.train);
  add_changes(app, command.train.augmentation);
  add_machine(app, command);
}

}  // namespace twinpatch::app
