// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/twinpatch/model_card.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "twinpatch/core/error.hpp"
#include "twinpatch/core/units.hpp"

namespace twinpatch::app {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMostBytes = 400;  // of metadata whose meaning is not known

std::string line(const std::string& key, const std::string& value) {
  return fmt::format("  {}: {}\n", key, value.size() <= kMostBytes ? value : value.substr(0, kMostBytes) + " ...");
}

/// "training" is the last one; "training_before", "training_before_2", … what its weights began as.
bool is_training(const std::string& key) { return key == "training" || key.starts_with("training_before"); }

/// The record that training leaves; nothing where it is none.
std::optional<Json> training_record(const std::string& text) {
  Json record = Json::parse(text, nullptr, false);
  if (!record.is_object() || !record.contains("options") || !record.contains("history")) return std::nullopt;
  return record;
}

/// "triplet loss, adam at a cosine rate of 0.001, batches of 512, 1075 steps in 22 min"
std::string recipe(const Json& record) {
  const Json& options = record.at("options");
  std::string text = fmt::format("{} loss, {} at a {} rate of {:g}, batches of {}, {} steps in {}",
                                 options.at("loss").get<std::string>(), options.at("optimiser").get<std::string>(),
                                 options.at("schedule").get<std::string>(), options.at("rate").get<double>(),
                                 options.at("batch").get<std::int64_t>(), record.at("steps").get<std::int64_t>(),
                                 format_seconds(record.at("seconds").get<double>()));
  if (!options.value("initial", std::string()).empty()) text += ", from the weights of another training";
  return text;
}

/// The validation of the step whose weights were kept: "oxford_graf 9.8 %, …".
std::string figures(const Json& record) {
  const Json* best = nullptr;
  for (const Json& entry : record.at("history")) {
    if (best == nullptr || entry.at("step") == record.at("best_step")) best = &entry;
  }
  std::string text;
  if (best == nullptr) return text;
  for (const Json& scene : best->at("scenes")) {
    text += fmt::format("{}{} {:.1f} %", text.empty() ? "" : ", ", scene.at("scene").get<std::string>(),
                        100 * scene.at("fpr95").get<double>());
  }
  return text;
}

std::string training_lines(const std::string& text, std::size_t trainings) {
  const auto record = training_record(text);
  if (!record) return line("training", text);
  try {
    std::string lines = line("recipe", recipe(*record));
    if (trainings > 1) lines += line("trainings before", std::to_string(trainings - 1));
    const std::string validation = figures(*record);
    if (!validation.empty()) lines += line("FPR95 on scenes kept for validation", validation);
    return lines;
  } catch (const Json::exception&) {
    return line("training", text);
  }
}

std::string calibration_line(const std::string& text) {
  const Json calibration = Json::parse(text, nullptr, false);
  if (!calibration.is_object() || !calibration.contains("scale") || !calibration.at("scale").is_number() ||
      !calibration.contains("offset") || !calibration.at("offset").is_number()) {
    return line("calibration", text);
  }
  return line("probability of a match",
              fmt::format("1 / (1 + exp(-({:.4g} * score + {:.4g})))", calibration.at("scale").get<double>(),
                          calibration.at("offset").get<double>()));
}

std::string history_table(const Json& history) {
  std::string text = fmt::format("  {:>7}  {:>9}  {:>8}  {:>9}  FPR95 of each scene\n", "step", "time", "loss", "rate");
  for (const Json& entry : history) {
    std::string scenes;
    for (const Json& scene : entry.at("scenes")) {
      scenes +=
          fmt::format("  {} {:.1f} %", scene.at("scene").get<std::string>(), 100 * scene.at("fpr95").get<double>());
    }
    text += fmt::format("  {:>7}  {:>9}  {:>8.4f}  {:>9.3g}{}\n", entry.at("step").get<std::int64_t>(),
                        format_seconds(entry.at("seconds").get<double>()), entry.at("loss").get<double>(),
                        entry.at("rate").get<double>(), scenes);
  }
  return text;
}

}  // namespace

std::string model_card(const Model& model) {
  const auto& metadata = model.metadata;
  const auto value = [&](const char* key) {
    const auto found = metadata.find(key);
    return found == metadata.end() ? std::string() : found->second;
  };
  std::string text;
  std::size_t trainings = 0;
  for (const auto& [key, unused] : metadata) trainings += is_training(key) ? 1 : 0;
  if (const auto data = value("data"); !data.empty()) text += line("data", data);
  if (const auto training = value("training"); !training.empty()) text += training_lines(training, trainings);
  if (const auto extent = value("patch_extent"); !extent.empty()) text += line("window in sigma", extent);
  if (const auto calibration = value("calibration"); !calibration.empty()) text += calibration_line(calibration);
  text += line("licence", value("license").empty() ? "none given" : value("license"));
  for (const auto& [key, other] : metadata) {
    const bool shown = key == "data" || key == "patch_extent" || key == "calibration" || key == "license";
    if (!shown && !is_training(key)) text += line(key, other);
  }
  return text;
}

std::string training_history(const Model& model) {
  std::string text;
  for (const auto& [key, value] : model.metadata) {
    if (!is_training(key)) continue;
    const auto record = training_record(value);
    if (!record) continue;
    try {
      text += fmt::format("{}: {}\n{}", key, recipe(*record), history_table(record->at("history")));
    } catch (const Json::exception& error) {
      throw InvalidArgument(fmt::format("metadata \"{}\" is no record of a training: {}", key, error.what()));
    }
  }
  if (text.empty()) throw InvalidArgument("the model has no training history in its metadata");
  return text;
}

}  // namespace twinpatch::app
