// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>
#include <optional>

#include "apps/frame/options.hpp"
#include "apps/frame/outputs.hpp"
#include "apps/frame/run_options.hpp"
#include "apps/frame/session.hpp"
#include "apps/twinpatch/commands.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/net/onnx.hpp"

namespace twinpatch::app {
namespace {

struct ExportOptions {
  std::string model, out;
  bool onnx = false;
  std::optional<int> size;

  void validate() const {
    if (!onnx) throw UsageError("the format is missing: --onnx");
    if (out.empty()) throw UsageError("-o is missing: the file to write");
    if (size && *size < 1) throw UsageError("--size must be at least 1");
    Outputs outputs;
    outputs.add_input(model);
    outputs.add("-o", out);
    outputs.check();
  }
};

ExitCode run_export(Session& session, const ExportOptions& options) {
  options.validate();
  const Model model = load_model(find_model(options.model));
  const OnnxModel graph =
      to_onnx(model, options.size ? std::optional(Extent{*options.size, *options.size}) : std::nullopt);
  AtomicFile file(options.out);
  file.write(serialize_onnx(graph));
  file.commit();
  std::string inputs;
  for (const OnnxValue& input : graph.inputs) inputs += (inputs.empty() ? "" : ", ") + input.name;
  const auto& shape = graph.inputs.front().shape;
  session.info("{}: {} float32 [N, 1, {}, {}], grey levels 0 to 255 -> {}", options.out, inputs, shape[2], shape[3],
               graph.outputs.front().name);
  if (session.options().json) {
    auto names = nlohmann::ordered_json::array();
    for (const OnnxValue& input : graph.inputs) names.push_back(input.name);
    session.print_json("twinpatch.model.export/1", {{"model", options.model},
                                                    {"out", options.out},
                                                    {"hash", model_hash(model)},
                                                    {"inputs", names},
                                                    {"patch", {shape[2], shape[3]}},
                                                    {"output", graph.outputs.front().name}});
  }
  return ExitCode::done;
}

Run add_export_options(Options& app) {
  auto options = std::make_shared<ExportOptions>();
  app.add_option("MODEL", options->model, "model file, or the name of a model that ships")
      ->required()
      ->group(kArgumentGroup);
  app.add_flag("--onnx", options->onnx, "as an ONNX graph of operator set 13")->group(kMainGroup);
  app.add_option("-o,--out", options->out, "file to write")->or_standard_output()->type_name("FILE")->group(kMainGroup);
  app.add_option("--size", options->size, "side of the patches, for networks of any size [64]")
      ->type_name("PIXELS")
      ->group(kMainGroup);
  return [options](Session& session) { return run_export(session, *options); };
}

}  // namespace

Command model_export_command() {
  return {
      .name = "export",
      .summary = "write a model as ONNX, for other programs",
      .examples = {{"descriptors of patches", "twinpatch model export hard128 --onnx -o hard128.onnx"},
                   {"a network of pairs: two inputs, one score", "twinpatch model export siam --onnx -o siam.onnx"}},
      .notes =
          "The graph normalises: it takes float32 grey levels from 0 to 255 and puts out what describe or score do.",
      .add_options = add_export_options,
      .children = {}};
}

}  // namespace twinpatch::app
