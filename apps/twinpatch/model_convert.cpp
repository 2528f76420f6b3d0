// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <memory>

#include "apps/frame/outputs.hpp"
#include "apps/frame/run_options.hpp"
#include "apps/frame/session.hpp"
#include "apps/twinpatch/commands.hpp"
#include "twinpatch/net/model.hpp"

namespace twinpatch::app {
namespace {

struct ConvertOptions {
  std::string in, out;
};

ExitCode run_convert(Session& session, const ConvertOptions& options) {
  Outputs outputs;
  outputs.add_input(options.in);
  outputs.add("OUT", options.out);
  outputs.check();
  const Model model = import_model(options.in);
  save_model(options.out, model);
  session.say("{}: {}{}, hash {}", options.out, model.spec.name,
              model.descriptor_only ? " (descriptors only: pairs cannot be scored)" : "", model_hash(model));
  if (session.options().json) {
    session.print_json("twinpatch.model.convert/1", {{"in", options.in},
                                                     {"out", options.out},
                                                     {"name", model.spec.name},
                                                     {"descriptor_only", model.descriptor_only},
                                                     {"hash", model_hash(model)}});
  }
  return ExitCode::done;
}

Run add_convert_options(CLI::App& app) {
  auto options = std::make_shared<ConvertOptions>();
  app.add_option("IN", options->in, "released .bin, Torch7 .t7, or a model file (told apart by content)")
      ->required()
      ->group(kArgumentGroup);
  app.add_option("OUT", options->out, "model file, .safetensors")->required()->group(kArgumentGroup);
  return [options](Session& session) { return run_convert(session, *options); };
}

}  // namespace

Command model_convert_command() {
  return {.name = "convert",
          .summary = "import released weights (.bin, .t7) as a model file",
          .examples = {{"weights of the original authors", "twinpatch model convert 2ch_liberty.bin 2ch.safetensors"},
                       {"the Torch7 form of the same", "twinpatch model convert 2ch_liberty.t7 2ch.safetensors"}},
          .notes = "",
          .add_options = add_convert_options,
          .children = {}};
}

}  // namespace twinpatch::app
