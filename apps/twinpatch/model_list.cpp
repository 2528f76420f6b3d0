// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "apps/frame/options.hpp"
#include "apps/frame/session.hpp"
#include "apps/twinpatch/commands.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/net/model.hpp"
#include "twinpatch/net/shipped_models.hpp"

namespace twinpatch::app {
namespace {

/// File with shipped weights of a network; empty if there are none.
std::string weights_of(const NetworkSpec& spec) {
  try {
    return find_model(spec.name).string();
  } catch (const IoError&) {
    return {};
  }
}

std::string input_of(const NetworkSpec& spec) {
  return spec.input ? fmt::format("{}x{}", spec.input->height, spec.input->width) : "any";
}

struct FurtherModel {
  std::string name;
  std::string network;
  std::string file;
};

/// Models that ship beside the one that has its network's own name.
struct FurtherModels {
  std::vector<FurtherModel> models;
  bool complete = true;  ///< a file that cannot be read was named and left out
};

FurtherModels further_models(Session& session) {
  FurtherModels result;
  for (const std::string& name : shipped_models()) {
    const auto has_name = [&](const NetworkSpec& spec) { return spec.name == name; };
    if (std::ranges::any_of(catalogue(), has_name)) continue;
    try {
      const auto file = find_model(name);
      result.models.push_back({name, load_model(file).spec.name, file.string()});
    } catch (const Error& error) {
      session.warn("left out: {}", error.what());
      result.complete = false;
    }
  }
  return result;
}

ExitCode run_list(Session& session) {
  auto rows = nlohmann::ordered_json::array();
  std::string text = fmt::format("{:<20} {:>7} {:>12} {:>10} {:>11}  {:<7}  {}\n", "name", "input", "parameters",
                                 "MMAC/pair", "MMAC/patch", "weights", "");
  for (const auto& spec : catalogue()) {
    const Cost costs = cost(spec);
    const std::string weights = weights_of(spec);
    text +=
        fmt::format("{:<20} {:>7} {:>12} {:>10.2f} {:>11}  {:<7}  {}\n", spec.name, input_of(spec), costs.parameters,
                    static_cast<double>(costs.macs_per_pair) / 1e6,
                    costs.macs_per_patch > 0 ? fmt::format("{:.2f}", static_cast<double>(costs.macs_per_patch) / 1e6)
                                             : std::string("-"),
                    weights.empty() ? "-" : "yes", spec.summary);
    rows.push_back({{"name", spec.name},
                    {"summary", spec.summary},
                    {"input", input_of(spec)},
                    {"parameters", costs.parameters},
                    {"macs_per_pair", costs.macs_per_pair},
                    {"macs_per_patch", costs.macs_per_patch},
                    {"weights", weights.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(weights)}});
  }
  auto further = nlohmann::ordered_json::array();
  const FurtherModels others = further_models(session);
  for (const FurtherModel& model : others.models) {
    text +=
        fmt::format("{:<20} {} with other weights: twinpatch model show {}\n", model.name, model.network, model.name);
    further.push_back({{"name", model.name}, {"network", model.network}, {"weights", model.file}});
  }
  if (session.options().json) {
    session.print_json("twinpatch.model.list/1", {{"networks", rows}, {"further_models", further}});
  } else {
    session.print(text);
  }
  return others.complete ? ExitCode::done : ExitCode::partial;
}

}  // namespace

Command model_list_command() {
  return {.name = "list",
          .summary = "the catalogue of networks: size, cost, and whether weights ship",
          .examples = {{"as a table", "twinpatch model list"}, {"for a script", "twinpatch model list --json"}},
          .notes = "MMAC: million multiply-adds in fp32, nothing cached. For networks of any input size: at 64x64.",
          .add_options = [](Options&) -> Run { return run_list; },
          .children = {}};
}

}  // namespace twinpatch::app
