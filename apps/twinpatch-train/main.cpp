// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <cstdio>
#include <memory>
#include <new>
#include <nlohmann/json.hpp>

#include "apps/frame/command.hpp"
#include "apps/frame/outputs.hpp"
#include "apps/twinpatch-train/train_options.hpp"
#include "apps/twinpatch-train/train_report.hpp"
#include "twinpatch/core/units.hpp"
#include "twinpatch/net/model.hpp"
#include "twinpatch/vision/patch_collections.hpp"

namespace twinpatch::app {
namespace {

/// Activations of one step are tens of megabytes each. glibc would hand every one back to the system and take it again,
/// cleared page by page; kept in the process, a step takes about a third less time.
void keep_freed_memory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
  mallopt(M_TOP_PAD, 256 << 20);
#endif
}

void name_missing_strips(Session& session, const std::vector<std::filesystem::path>& folders) {
  for (const auto& folder : folders) {
    if (!is_hpatches(folder)) continue;
    for (const auto& strip : missing_hpatches_strips(folder)) session.warn("{}: {} is missing", folder.string(), strip);
  }
}

ExitCode run_train(Session& session, const TrainCommand& typed) {
  TrainCommand command = typed;
  command.train.seed = session.options().seed;
  try {
    command.train = resolve(command.train, find_network(command.train.network));
  } catch (const InvalidArgument& error) {
    throw UsageError(error.what());
  }
  Outputs outputs;
  for (const auto& folder : command.train.datasets) outputs.add_input(folder);
  for (const auto& folder : command.train.validation) outputs.add_input(folder);
  outputs.add("-o", command.out);
  outputs.check();
  name_missing_strips(session, command.train.datasets);
  name_missing_strips(session, command.train.validation);
  if (command.train.validation.empty() && command.train.hold_out == 0)
    session.warn("no validation (--validate, --hold-out): the last step is kept, good or bad");

  keep_freed_memory();
  TrainReport report(session);
  TrainResult result = train_network(command.train, report, session.control().stop);
  if (!command.license.empty()) result.model.metadata["license"] = command.license;
  save_model(command.out, result.model);

  const HistoryEntry* best = nullptr;
  for (const auto& entry : result.history)
    if (entry.step == result.best_step) best = &entry;
  session.info("{}: step {} of {}, {}, {}", command.out, result.best_step, result.steps, format_seconds(result.seconds),
               best != nullptr ? describe(*best) : "");
  if (session.options().json) {
    nlohmann::ordered_json object = {{"out", command.out},        {"network", result.model.spec.name},
                                     {"steps", result.steps},     {"best_step", result.best_step},
                                     {"seconds", result.seconds}, {"resumed", result.resumed}};
    if (best != nullptr && !best->scenes.empty()) {
      object["fpr95"] = best->mean_fpr95();
      for (const auto& scene : best->scenes)
        object["scenes"].push_back({{"scene", scene.scene}, {"fpr95", scene.fpr95}, {"auc", scene.auc}});
    }
    session.print_json("twinpatch.train/1", object);
  }
  return ExitCode::done;
}

Run add_options(Options& app) {
  auto command = std::make_shared<TrainCommand>();
  add_train_options(app, *command);
  return [command](Session& session) { return run_train(session, *command); };
}

}  // namespace
}  // namespace twinpatch::app

int main(int argc, char** argv) try {
  using namespace twinpatch::app;
  const Command program{
      .name = "twinpatch-train",
      .summary = "trains a network of the catalogue on patches",
      .examples =
          {{"train siam for an hour, keep the step that is best on another scene",
            "twinpatch-train liberty/ yosemite/ --validate notredame/ --network siam --minutes 60\n"
            "    --checkpoint run/ -o siam.safetensors"},
           {"a descriptor, stored in fp16, validated on the smallest two folders",
            "twinpatch-train data/*/ --hold-out 2 --network siam-l2 --minutes 60 --half -o siam-l2.safetensors"},
           {"as in the paper: hinge on listed pairs, averaged SGD, quarter turns only",
            "twinpatch-train liberty/ --validate notredame/ --network 2ch --pairs list --loss hinge\n"
            "    --optimiser asgd --shift 0 --angle 0 --scale 0 --blur 0 --contrast 0 --steps 200000 -o "
            "2ch.safetensors"}},
      .notes =
          "A DATASET is a folder of 16×16 sheets patchesNNNN.png or .bmp (or patches.npy) and info.txt, whose first "
          "column says which patches show the same point, or a folder of HPatches sequences. Validation reads the "
          "folder's largest m50_*.txt, or draws pairs if there is none. Images are decoded once into a cache "
          "and mapped, so the set may be larger than memory.\n"
          "To resume a run with --checkpoint, run the same command again. FOLDER holds "
          "state.safetensors, best.safetensors (a model to use at any time), curve.csv and curve.svg. "
          "The options, the curve and a calibration of the score are stored in the model's metadata.",
      .add_options = add_options,
      .children = {}};
  return run_program(program, TWINPATCH_VERSION, argc, argv);
} catch (const std::bad_alloc&) {
  (void)std::fputs("error: out of memory\n", stderr);
  return 1;
}
