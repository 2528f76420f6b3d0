// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>
#include <vector>

#include "apps/frame/options.hpp"
#include "apps/frame/outputs.hpp"
#include "apps/frame/run_options.hpp"
#include "apps/frame/session.hpp"
#include "apps/twinpatch/commands.hpp"
#include "apps/twinpatch/patch_input.hpp"
#include "twinpatch/cpu/calibrate.hpp"

namespace twinpatch::app {
namespace {

struct QuantizeOptions {
  std::string model, dataset, out;

  void validate() const {
    if (dataset.empty()) throw UsageError("--calibrate is missing: patches like those the model will see");
    if (out.empty()) throw UsageError("-o is missing: the model file to write");
    Outputs outputs;
    outputs.add_input(model);
    outputs.add_input(dataset);
    outputs.add("-o", out);
    outputs.check();
  }
};

/// Neighbours, which in training data mostly show one point, and patches far apart, which do not.
std::vector<IndexPair> calibration_pairs(std::int64_t patches) {
  std::vector<IndexPair> pairs;
  for (std::int64_t i = 0; i < patches; ++i) {
    for (const std::int64_t other : {i + 1, i + patches / 2}) {
      pairs.push_back({static_cast<std::int32_t>(i), static_cast<std::int32_t>(other % patches)});
    }
  }
  return pairs;
}

ExitCode run_quantize(Session& session, const QuantizeOptions& options) {
  options.validate();
  const auto model = std::make_shared<Model>(load_model(find_model(options.model)));
  const PatchSet patches = read_one_patch_set(session, options.dataset, model->spec, {});
  const ActivationRanges ranges =
      calibrate(model, patches.view(), calibration_pairs(patches.size()), session.control());
  model->metadata[kActivationsKey] = to_json(ranges);
  save_model(options.out, *model);
  for (const auto& [layer, range] : ranges) session.detail("{}: {:.4g} to {:.4g}", layer, range.low, range.high);
  session.info("{}: {}, {} layers calibrated on {} patches, hash {}", options.out, model->spec.name, ranges.size(),
               patches.size(), model_hash(*model));
  if (session.options().json) {
    auto layers = nlohmann::ordered_json::object();
    for (const auto& [layer, range] : ranges) layers[layer] = {range.low, range.high};
    session.print_json("twinpatch.model.quantize/1", {{"model", options.model},
                                                      {"out", options.out},
                                                      {"hash", model_hash(*model)},
                                                      {"patches", patches.size()},
                                                      {"activations", layers}});
  }
  return ExitCode::done;
}

Run add_quantize_options(Options& app) {
  auto options = std::make_shared<QuantizeOptions>();
  app.add_option("MODEL", options->model, "model file, or the name of a model that ships")
      ->required()
      ->group(kArgumentGroup);
  app.add_option("--calibrate", options->dataset, "PhotoTour folder, or .npy of patches uint8 [N, height, width]")
      ->type_name("DATASET")
      ->group(kMainGroup);
  app.add_option("-o,--out", options->out, "model file to write")
      ->or_standard_output()
      ->type_name("FILE")
      ->group(kMainGroup);
  return [options](Session& session) { return run_quantize(session, *options); };
}

}  // namespace

Command model_quantize_command() {
  return {.name = "quantize",
          .summary = "measure what goes into each layer, so that the model can run with --precision int8",
          .examples = {{"by a thousand patches or more of the kind it will see",
                        "twinpatch model quantize siam --calibrate notredame/ -o siam-int8.safetensors"},
                       {"then", "twinpatch describe photo.jpg -m siam-int8.safetensors --precision int8 -o d.npy"}},
          .notes = "The weights stay as they are: the file runs in every other precision too.",
          .add_options = add_quantize_options,
          .children = {}};
}

}  // namespace twinpatch::app
