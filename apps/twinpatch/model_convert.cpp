// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <memory>
#include <optional>

#include "apps/frame/options.hpp"
#include "apps/frame/outputs.hpp"
#include "apps/frame/run_options.hpp"
#include "apps/frame/session.hpp"
#include "apps/twinpatch/commands.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/net/foreign_weights.hpp"

namespace twinpatch::app {
namespace {

struct ConvertOptions {
  std::string in;
  std::string out_argument, out_option;  ///< one of the two
  std::string network, map;              ///< of weights of other programs
  std::optional<TensorType> type;

  [[nodiscard]] const std::string& out() const { return out_option.empty() ? out_argument : out_option; }
  void validate() const;
};

void ConvertOptions::validate() const {
  if (out_argument.empty() && out_option.empty()) throw UsageError("OUT is missing: the model file to write");
  if (!out_argument.empty() && !out_option.empty()) throw UsageError("give either OUT or -o, not both");
  if (!map.empty() && network.empty()) throw UsageError("--map needs --network: the network whose weights it names");
  Outputs outputs;
  outputs.add_input(in);
  if (!map.empty()) outputs.add_input(map);
  outputs.add(out_option.empty() ? "OUT" : "-o", out());
  outputs.check();
}

TensorType parse_type(const std::string& name) {
  static const std::map<std::string, TensorType> types = {
      {"fp32", TensorType::f32}, {"fp16", TensorType::f16}, {"bf16", TensorType::bf16}, {"int8", TensorType::i8}};
  const auto found = types.find(name);
  if (found == types.end())
    throw InvalidArgument(fmt::format("weights cannot be stored as \"{}\"; known: fp32, fp16, bf16, int8", name));
  return found->second;
}

/// Weights of another program; says which tensor became which weight.
ForeignModel import_foreign(Session& session, const ConvertOptions& options) {
  const NetworkSpec spec = find_network(options.network);
  std::vector<WeightSource> map;
  if (!options.map.empty()) map = parse_weight_map(read_text_file(options.map), options.map);
  ForeignModel foreign = import_weights(std::filesystem::path(options.in), spec, map);
  for (const WeightSource& source : foreign.sources) {
    session.info("{} <- {} [{}]", source.weight, source.tensor,
                 fmt::join(foreign.model.weights.at(source.weight).shape, ", "));
  }
  if (!foreign.unused.empty()) session.info("not used: {}", fmt::join(foreign.unused, ", "));
  return foreign;
}

ExitCode run_convert(Session& session, const ConvertOptions& options) {
  options.validate();
  const bool is_foreign = !options.network.empty();
  ForeignModel foreign = is_foreign ? import_foreign(session, options) : ForeignModel{import_model(options.in), {}, {}};
  Model& model = foreign.model;
  if (options.type) store_as(model, *options.type);
  save_model(options.out(), model);
  session.info("{}: {}{}, hash {}", options.out(), model.spec.name,
               model.descriptor_only ? " (descriptors only: pairs cannot be scored)" : "", model_hash(model));
  if (session.options().json) {
    nlohmann::ordered_json object{{"in", options.in},
                                  {"out", options.out()},
                                  {"name", model.spec.name},
                                  {"descriptor_only", model.descriptor_only},
                                  {"hash", model_hash(model)}};
    if (is_foreign) {
      auto weights = nlohmann::ordered_json::object();
      for (const WeightSource& source : foreign.sources) weights[source.weight] = source.tensor;
      object["weights"] = std::move(weights);
      object["unused"] = foreign.unused;
    }
    session.print_json("twinpatch.model.convert/1", object);
  }
  return ExitCode::done;
}

Run add_convert_options(Options& app) {
  auto options = std::make_shared<ConvertOptions>();
  app.add_option("IN", options->in,
                 "released .bin, Torch7 .t7, or a model file; with --network PyTorch, safetensors or ONNX "
                 "(recognised by content)")
      ->required()
      ->group(kArgumentGroup);
  app.add_option("OUT", options->out_argument, "model file, .safetensors")->or_standard_output()->group(kArgumentGroup);
  app.add_option("-o,--out", options->out_option, "the same as OUT")
      ->or_standard_output()
      ->type_name("FILE")
      ->group(kMainGroup);
  app.add_option("--network", options->network,
                 "IN has weights alone, of this network: a name of the catalogue, or a JSON file")
      ->type_name("NAME|FILE")
      ->group(kMainGroup);
  app.add_option("--map", options->map,
                 "text file: the name of a weight and that of IN's tensor per line [matched by the order of layers]")
      ->type_name("FILE")
      ->group(kMainGroup);
  app.add_option_function(
         "--store", [options](const std::string& name) { options->type = parse_type(name); },
         "type of the weights: fp32, fp16, bf16, or int8 with a scale per output [as in IN]")
      ->type_name("TYPE")
      ->group(kMainGroup);
  return [options](Session& session) { return run_convert(session, *options); };
}

}  // namespace

Command model_convert_command() {
  return {
      .name = "convert",
      .summary =
          "import weights (PyTorch, safetensors, ONNX, .bin, .t7) as a model file, or store a model in another type",
      .examples = {{"weights of the original authors", "twinpatch model convert 2ch_liberty.bin 2ch.safetensors"},
                   {"a network's weights from PyTorch",
                    "twinpatch model convert HardNet++.pth hardnet.safetensors --network hardnet"},
                   {"a quarter of the size of float32",
                    "twinpatch model convert mine.safetensors small.safetensors --store int8"}},
      .notes = "",
      .add_options = add_convert_options,
      .children = {}};
}

}  // namespace twinpatch::app
