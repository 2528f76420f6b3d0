// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "checkpoint.hpp"

#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "twinpatch/core/error.hpp"
#include "twinpatch/formats/json.hpp"

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

/// Names of scenes are names of folders, which may be any bytes.
std::string dumped(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

std::vector<HistoryEntry> history_from(const JsonValue& entries) {
  std::vector<HistoryEntry> history;
  for (const JsonValue& value : entries.list()) {
    HistoryEntry entry;
    entry.step = value.at("step").integer(0, kMost);
    entry.seconds = value.at("seconds").number();
    entry.loss = value.at("loss").number();
    entry.rate = value.at("rate").number();
    for (const JsonValue& scene : value.at("scenes").list()) {
      const JsonValue* matching = scene.find("matching");
      entry.scenes.push_back({scene.at("scene").text(), scene.at("fpr95").number(), scene.at("auc").number(),
                              matching == nullptr ? -1.0 : matching->number()});
    }
    history.push_back(std::move(entry));
  }
  return history;
}

/// "rate is 0.1 in the checkpoint and 0.05 in the command": the first key whose values differ.
std::string difference(const JsonValue& there, const JsonValue& here, const std::string& prefix = "") {
  for (const auto& [key, value] : here.members()) {
    const JsonValue* other = there.find(key);
    if (other == nullptr) return fmt::format("{}{} is missing in the checkpoint", prefix, key);
    if (*other == value) continue;
    if (value.is_object() && other->is_object()) return difference(*other, value, prefix + key + ".");
    return fmt::format("{}{} is {} in the checkpoint and {} in the command", prefix, key, other->shown(),
                       value.shown());
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

std::string history_json(const std::vector<HistoryEntry>& history) { return dumped(to_json_value(history)); }

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
  file.metadata["twinpatch.checkpoint"] = dumped(head);
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
  const JsonValue there = parse_json(state.configuration, path.string());
  const JsonValue here = parse_json(configuration, "configuration");
  if (!there.is_object() || there != here)
    throw InvalidArgument(fmt::format("{} belongs to another run: {}; give another --checkpoint, or remove it",
                                      path.string(),
                                      there.is_object() ? difference(there, here) : "it has no configuration"));
  const JsonValue head = parse_json(file.metadata.at("twinpatch.checkpoint"), path.string());
  state.step = head.at("step").integer(0, kMost);
  state.seconds = head.at("seconds").number();
  state.loss_sum = head.at("loss_sum").number();
  state.loss_count = head.at("loss_count").integer(0, kMost);
  state.best_step = head.at("best_step").integer(-1, kMost);
  state.validations_since_best =
      static_cast<int>(head.at("validations_since_best").integer(0, std::numeric_limits<int>::max()));
  state.done = head.at("done").boolean();
  state.history = history_from(head.at("history"));
  state.weights = take(file, "weights");
  state.optimiser = take(file, "optimiser");
  state.best = take(file, "best");
  return state;
}

}  // namespace twinpatch::train
