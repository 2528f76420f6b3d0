// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "checkpoint.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "twinpatch/core/error.hpp"

namespace twinpatch::train {
namespace {

using nlohmann::json;

json to_json_value(const std::vector<HistoryEntry>& history) {
  json entries = json::array();
  for (const HistoryEntry& entry : history) {
    json scenes = json::array();
    for (const SceneScore& scene : entry.scenes) {
      json value = {{"scene", scene.scene}, {"fpr95", scene.fpr95}, {"auc", scene.auc}};
      if (scene.matching >= 0) value["matching"] = scene.matching;
      scenes.push_back(std::move(value));
    }
    entries.push_back({{"step", entry.step},
                       {"seconds", entry.seconds},
                       {"loss", entry.loss},
                       {"rate", entry.rate},
                       {"scenes", std::move(scenes)}});
  }
  return entries;
}

std::vector<HistoryEntry> history_from(const json& entries) {
  std::vector<HistoryEntry> history;
  for (const json& value : entries) {
    HistoryEntry entry;
    entry.step = value.at("step");
    entry.seconds = value.at("seconds");
    entry.loss = value.at("loss");
    entry.rate = value.at("rate");
    for (const json& scene : value.at("scenes"))
      entry.scenes.push_back({scene.at("scene"), scene.at("fpr95"), scene.at("auc"), scene.value("matching", -1.0)});
    history.push_back(std::move(entry));
  }
  return history;
}

/// "rate is 0.1 in the checkpoint and 0.05 in the command": the first key whose values differ.
std::string difference(const json& there, const json& here, const std::string& prefix = "") {
  for (const auto& [key, value] : here.items()) {
    if (!there.contains(key)) return fmt::format("{}{} is missing in the checkpoint", prefix, key);
    if (there[key] == value) continue;
    if (value.is_object() && there[key].is_object()) return difference(there[key], value, prefix + key + ".");
    return fmt::format("{}{} is {} in the checkpoint and {} in the command", prefix, key, there[key].dump(),
                       value.dump());
  }
  return "it has options that this version does not know";
}

void store(SafeTensors& file, const std::string& group, const std::map<std::string, Tensor>& tensors) {
  for (const auto& [name, tensor] : tensors) file.tensors[group + "/" + name] = tensor;
}

std::map<std::string, Tensor> take(const SafeTensors& file, const std::string& group) {
  std::map<std::string, Tensor> tensors;
  for (const auto& [name, tensor] : file.tensors)
    if (name.starts_with(group + "/")) tensors[name.substr(group.size() + 1)] = tensor;
  return tensors;
}

}  // namespace

std::string history_json(const std::vector<HistoryEntry>& history) { return to_json_value(history).dump(); }

std::filesystem::path checkpoint_path(const std::filesystem::path& folder) { return folder / "state.safetensors"; }

void write_checkpoint(const std::filesystem::path& folder, const RunState& state) {
  SafeTensors file;
  store(file, "weights", state.weights);
  store(file, "optimiser", state.optimiser);
  store(file, "best", state.best);
  const json head = {{"step", state.step},           {"seconds", state.seconds},
                     {"loss_sum", state.loss_sum},   {"loss_count", state.loss_count},
                     {"best_step", state.best_step}, {"validations_since_best", state.validations_since_best},
                     {"done", state.done},           {"history", to_json_value(state.history)}};
  file.metadata["twinpatch.checkpoint"] = head.dump();
  file.metadata["twinpatch.configuration"] = state.configuration;
  write_safetensors(checkpoint_path(folder), file);
}

std::optional<RunState> read_checkpoint(const std::filesystem::path& folder, const std::string& configuration) {
  const auto path = checkpoint_path(folder);
  if (!std::filesystem::exists(path)) return std::nullopt;
  const SafeTensors file = read_safetensors(path);
  if (!file.metadata.contains("twinpatch.checkpoint") || !file.metadata.contains("twinpatch.configuration"))
    throw FormatError(path.string(), 0, "not a checkpoint of a training run");
  RunState state;
  state.configuration = file.metadata.at("twinpatch.configuration");
  try {
    const json there = json::parse(state.configuration);
    const json here = json::parse(configuration);
    if (there != here)
      throw InvalidArgument(fmt::format("{} belongs to another run: {}; give another --checkpoint, or remove it",
                                        path.string(), difference(there, here)));
    const json head = json::parse(file.metadata.at("twinpatch.checkpoint"));
    state.step = head.at("step");
    state.seconds = head.at("seconds");
    state.loss_sum = head.at("loss_sum");
    state.loss_count = head.at("loss_count");
    state.best_step = head.at("best_step");
    state.validations_since_best = head.at("validations_since_best");
    state.done = head.at("done");
    state.history = history_from(head.at("history"));
  } catch (const json::exception& error) {
    throw FormatError(path.string(), 0, fmt::format("the run's state is damaged: {}", error.what()));
  }
  state.weights = take(file, "weights");
  state.optimiser = take(file, "optimiser");
  state.best = take(file, "best");
  return state;
}

}  // namespace twinpatch::train
