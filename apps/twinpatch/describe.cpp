// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include "apps/frame/options.hpp"

#include "apps/frame/outputs.hpp"
#include "apps/frame/run_options.hpp"
#include "apps/twinpatch/commands.hpp"
#include "apps/twinpatch/describer.hpp"

namespace twinpatch::app {
namespace {

struct DescribeOptions : DescriberOptions {
  std::vector<std::string> inputs;

  void validate(bool json) const;
};

Side parse_side(const std::string& name) {
  if (name == "left") return Side::left;
  if (name == "right") return Side::right;
  throw UsageError("--side must be left or right, found \"" + name + "\"");
}

void DescribeOptions::validate(bool json) const {
  photographs.validate();
  engine.execution.validate();
  bool photographs_only = true;
  for (const auto& input : inputs) photographs_only = input_kind(input) == InputKind::image && photographs_only;
  if (!keypoints.empty() && (inputs.size() != 1 || !photographs_only)) {
    throw UsageError("--keypoints needs exactly one input, a photograph");
  }
  if (photographs.affine && keypoints.empty()) {
    throw UsageError("--affine needs --keypoints: keypoints detected here have no shape");
  }
  if (!keypoints_out.empty() && !photographs_only) throw UsageError("--keypoints-out is only for photographs");
  Outputs outputs;
  for (const auto& input : inputs) outputs.add_input(input);
  outputs.add_input(keypoints);
  outputs.add("-o", out);
  outputs.add("--keypoints-out", keypoints_out);
  if (json) outputs.add_printed("--json");
  outputs.check();
}

void report(Session& session, const DescribeOptions& options, const Describer& describer) {
  const std::int64_t columns = describer.engine().descriptor_size();
  session.info("{}: {} descriptors of {} numbers", options.out, describer.rows(), columns);
  nlohmann::ordered_json object{{"model", model_json(describer.engine())},
                                {"device", describer.engine().device()},
                                {"out", options.out},
                                {"shape", {describer.rows(), columns}}};
  report_run(session, describer.engine(), object);
  if (!session.options().json) return;
  auto inputs = nlohmann::ordered_json::array();
  for (const auto& part : describer.parts()) {
    inputs.push_back({{"path", part.path}, {"part", part.part}, {"first_row", part.first}, {"rows", part.rows}});
  }
  object["inputs"] = inputs;
  session.print_json("twinpatch.describe/1", object);
}

void say_without_effect(Session& session, const DescribeOptions& options) {
  const auto any = [&](InputKind kind) {
    return std::ranges::any_of(options.inputs, [&](const auto& input) { return input_kind(input) == kind; });
  };
  if (!any(InputKind::image)) {
    session.no_effect({"--max-keypoints", "--patch-extent", "--patch-extent-from", "--upright", "--pixel-origin"},
                      "no input is a photograph");
  }
  if (!options.keypoints.empty()) session.no_effect({"--max-keypoints"}, "keypoints come from --keypoints");
  if (!any(InputKind::npy)) session.no_effect({"--raw", "--resize"}, "no input is an array");
}

ExitCode run_describe(Session& session, const DescribeOptions& options) {
  options.validate(session.options().json);
  say_without_effect(session, options);
  Describer describer(session, options);
  if (describer.engine().spec().coupling != Coupling::pseudo_siamese) {
    session.no_effect({"--side"}, "both sides of this network are the same");
  }
  for (const auto& input : options.inputs) describer.add(input);
  describer.finish();
  report(session, options, describer);
  return ExitCode::done;
}

Run add_describe_options(Options& app) {
  auto options = std::make_shared<DescribeOptions>();
  app.add_option("INPUT", options->inputs, "patches: .npy uint8 [N,H,W], PhotoTour folder, HPatches; or photographs")
      ->required()
      ->group(kArgumentGroup);
  app.add_option("-o,--out", options->out, "descriptors, .npy float32 [N,D]")
      ->or_standard_output()
      ->required()
      ->type_name("NPY")
      ->group(kMainGroup);
  add_engine_options(app, options->engine);
  add_reading_options(app, options->reading);
  app.add_option_function(
         "--side", [options](const std::string& name) { options->side = parse_side(name); },
         "left or right (only for pseudo-siamese networks)")
      ->type_name("SIDE")
      ->default_str("left")
      ->group(kMainGroup);
  app.add_option("--keypoints", options->keypoints, "keypoints of the one photograph, instead of SIFT's")
      ->type_name("FILE")
      ->group("Keypoints and patches");
  app.add_option("--keypoints-out", options->keypoints_out, ".npy float32 [N,4]: x, y, sigma, angle of every row")
      ->or_standard_output()
      ->type_name("NPY")
      ->group("Keypoints and patches");
  add_photograph_options(app, options->photographs);
  add_affine_option(app, options->photographs);
  return [options](Session& session) { return run_describe(session, *options); };
}

}  // namespace

Command describe_command() {
  return {.name = "describe",
          .summary = "turn patches into descriptors",
          .examples = {{"an array of patches, uint8 [N,64,64]", "twinpatch describe patches.npy -o descriptors.npy"},
                       {"a PhotoTour folder with a model of your own",
                        "twinpatch describe liberty/ --model my.safetensors -o liberty.npy"},
                       {"the keypoints of photographs, with their positions",
                        "twinpatch describe a.jpg b.jpg -o descriptors.npy --keypoints-out keypoints.npy --json"}},
          .notes =
              std::string("Several inputs are concatenated in the order given, HPatches strips in the order ref, e1 to "
                          "t5 of each sequence; --json says which rows are which. Patches of PhotoTour and HPatches "
                          "are resized to the network's size, arrays only with --resize. Networks with a 2-channel "
                          "coupling have no descriptors.\n\n") +
              kPixelConvention,
          .add_options = add_describe_options,
          .children = {}};
}

}  // namespace twinpatch::app
