// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <optional>
#include "apps/frame/options.hpp"

#include "apps/frame/run_options.hpp"
#include "apps/frame/session.hpp"
#include "apps/twinpatch/commands.hpp"
#include "apps/twinpatch/model_card.hpp"
#include "twinpatch/net/model.hpp"

namespace twinpatch::app {
namespace {

using Json = nlohmann::ordered_json;

/// A network of the catalogue, or a model file with the weights and metadata it has.
struct Shown {
  NetworkSpec spec;
  std::string path;  ///< empty: no weights
  std::optional<Model> model;
};

bool in_catalogue(const std::string& name) {
  for (const auto& spec : catalogue()) {
    if (spec.name == name) return true;
  }
  return false;
}

Shown find_shown(const std::string& name) {
  Shown shown;
  if (in_catalogue(name)) {
    shown.spec = network(name);
    try {
      shown.path = find_model(name).string();
    } catch (const IoError&) {
      return shown;  // known, but without weights
    }
  } else if (!std::filesystem::exists(name) && name.find('/') == std::string::npos &&
             name.find('.') == std::string::npos) {
    try {
      shown.path = find_model(name).string();
    } catch (const IoError&) {
      (void)network(name);  // neither: says which names are near
      throw;
    }
  } else {
    shown.path = find_model(name).string();
  }
  shown.model = load_model(shown.path);
  shown.spec = shown.model->spec;
  return shown;
}

std::string words(const Shape& shape) { return fmt::format("{}x{}x{}", shape.channels, shape.height, shape.width); }

const char* words(StreamView::Kind kind) {
  switch (kind) {
    case StreamView::Kind::central_crop:
      return "central half";
    case StreamView::Kind::surround_average:
      return "whole patch averaged 2x2";
    default:
      return "whole patch";
  }
}

const char* words(Coupling coupling) {
  switch (coupling) {
    case Coupling::two_channel:
      return "2-channel: both patches stacked into one branch";
    case Coupling::siamese:
      return "siamese: the same branch for both patches";
    default:
      return "pseudo-siamese: a branch for each patch";
  }
}

std::string words(const Normalisation& rule) {
  std::string out = rule.scale == 1 ? "x" : fmt::format("x * {:.6g}", rule.scale);
  if (rule.subtract_mean) out = "(" + out + " - mean of the patch)";
  if (rule.divide_deviation) out += " / deviation of the patch";
  if (rule.divide_deviation && rule.unbiased_deviation) out += " (n - 1)";
  return out;
}

struct Lines {
  std::string text;
  Json json = Json::array();
  void add(const Layer& layer, Shape& shape) {
    shape = output_shape(layer, shape);
    text += fmt::format("    {:<44} {}\n", describe(layer), words(shape));
    json.push_back({{"layer", describe(layer)}, {"output", {shape.channels, shape.height, shape.width}}});
  }
};

Json show_streams(const NetworkSpec& spec, std::string& text) {
  Json streams = Json::array();
  for (const auto& stream : spec.streams) {
    Shape shape = stream_input(spec, stream, spec.input.value_or(Extent{64, 64}));
    text += fmt::format("  stream {}: {}, {}\n", streams.size(), words(stream.view.kind), words(shape));
    Lines lines;
    for (const auto& layer : stream.layers) lines.add(layer, shape);
    text += lines.text;
    streams.push_back({{"view", words(stream.view.kind)}, {"layers", lines.json}});
  }
  return streams;
}

Json show_decision(const NetworkSpec& spec, std::string& text) {
  if (const auto* metric = std::get_if<DecisionMetric>(&spec.decision)) {
    const char* names[] = {"minus the Euclidean distance", "minus the L1 distance", "cosine"};
    const bool normalised = metric->normalise || metric->kind == DecisionMetric::Kind::cosine;
    const std::string line =
        fmt::format("{} of {} vectors", names[static_cast<int>(metric->kind)], normalised ? "unit" : "unnormalised");
    text += "  decision: " + line + '\n';
    return line;
  }
  const bool one_branch = spec.coupling == Coupling::two_channel;
  Shape shape{static_cast<int>(branch_size(spec) * (one_branch ? 1 : 2)), 1, 1};
  text += fmt::format("  decision: on {} of {}\n", one_branch ? "the branch's vector" : "left and right, concatenated",
                      shape.channels);
  Lines lines;
  for (const auto& layer : std::get<DecisionLayers>(spec.decision).layers) lines.add(layer, shape);
  text += lines.text;
  return lines.json;
}

Json show(const Shown& shown, std::string& text) {
  const NetworkSpec& spec = shown.spec;
  const Cost costs = cost(spec);
  const std::string input = spec.input ? fmt::format("{}x{}", spec.input->height, spec.input->width)
                                       : fmt::format("any from {}x{}; sizes below are for 64x64",
                                                     spec.minimum_input.height, spec.minimum_input.width);
  text = fmt::format("{}: {}\n  {}\n  input {}, normalised as {}\n", spec.name, spec.summary, words(spec.coupling),
                     input, words(spec.normalisation));
  Json object{{"name", spec.name}, {"summary", spec.summary}, {"input", input}};
  object["streams"] = show_streams(spec, text);
  object["decision"] = show_decision(spec, text);
  text += fmt::format("  parameters {} ({} in the branch), {:.2f} MMAC per pair", costs.parameters,
                      costs.branch_parameters, static_cast<double>(costs.macs_per_pair) / 1e6);
  if (costs.macs_per_patch > 0)
    text += fmt::format(", {:.2f} per patch", static_cast<double>(costs.macs_per_patch) / 1e6);
  text += fmt::format("\n  weights: {}\n", shown.path.empty() ? "none found" : shown.path);
  object["parameters"] = costs.parameters;
  object["branch_parameters"] = costs.branch_parameters;
  object["macs_per_pair"] = costs.macs_per_pair;
  object["macs_per_patch"] = costs.macs_per_patch;
  object["weights"] = shown.path.empty() ? Json(nullptr) : Json(shown.path);
  if (!shown.model) return object;
  object["hash"] = model_hash(*shown.model);
  object["descriptor_only"] = shown.model->descriptor_only;
  object["metadata"] = shown.model->metadata;
  text += fmt::format("  hash: {}\n", model_hash(*shown.model));
  if (shown.model->descriptor_only)
    text += "  descriptors only: the decision part is missing, pairs cannot be scored\n";
  text += model_card(*shown.model);
  return object;
}

struct ShowOptions {
  std::string name;
  bool history = false;
};

ExitCode run_show(Session& session, const ShowOptions& options) {
  const Shown shown = find_shown(options.name);
  if (options.history && !session.options().json) {
    if (!shown.model) throw InvalidArgument(options.name + ": no weights found, and so no training history");
    session.print(training_history(*shown.model));
    return ExitCode::done;
  }
  std::string text;
  const Json object = show(shown, text);
  if (session.options().json) {
    session.print_json("twinpatch.model.show/1", object);
  } else {
    session.print(text);
  }
  return ExitCode::done;
}

Run add_show_options(Options& app) {
  auto options = std::make_shared<ShowOptions>();
  app.add_option("NAME", options->name, "name in the catalogue, or a model file")->required()->group(kArgumentGroup);
  app.add_flag("--history", options->history, "every validation of its training instead")->group(kMainGroup);
  return [options](Session& session) { return run_show(session, *options); };
}

}  // namespace

Command model_show_command() {
  return {
      .name = "show",
      .summary = "layers, cost, training data and licence of one model",
      .examples = {{"a network of the catalogue", "twinpatch model show siam-2stream"},
                   {"a model file, with what it was trained on", "twinpatch model show my.safetensors"},
                   {"how its training went", "twinpatch model show my.safetensors --history"}},
      .notes =
          "Sizes are channels x height x width after the layer. --json prints all metadata, with the whole training "
          "history.",
      .add_options = add_show_options,
      .children = {}};
}

}  // namespace twinpatch::app
