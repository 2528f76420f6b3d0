// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/train/trainer.hpp"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "autocast.hpp"
#include "checkpoint.hpp"
#include "lesson.hpp"
#include "optimiser.hpp"
#include "run_setup.hpp"
#include "torch_network.hpp"
#include "twinpatch/core/available_threads.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/core/half.hpp"
#include "twinpatch/core/units.hpp"
#include "twinpatch/evaluate/metrics.hpp"
#include "validation.hpp"

namespace twinpatch::train {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kValidations = 40;             // in a run, where nothing else is said
constexpr double kValidationShare = 0.1;     // of the time at most, where time decides
constexpr double kHalfPrecisionLoss = 1e-3;  // of FPR95: fp16 storage may cost a tenth of a point

class TrainingRun {
 public:
  TrainingRun(const TrainOptions& options, NetworkSpec spec, LoadedScenes scenes, TrainObserver& observer)
      : options_(options),
        observer_(observer),
        start_(start_model(options, spec, observer)),
        net_(start_, choose_device(options.device)),
        optimiser_(net_, options),
        lesson_(make_lesson(scenes, options, observer)),
        validator_(scenes.validation, options),
        extent_(model_extent(options, scenes, observer)),
        training_names_(training_names(scenes)),
        validation_names_(validation_names(scenes)) {
    if (lesson_.rule) validate_on(scenes.list_validation);
    state_.configuration = configuration();
    if (options_.amp == Amp::bf16) check_bf16(net_.device());
    net_.set_bf16(options_.amp == Amp::bf16);
  }

  TrainResult run(const std::stop_token& stop);

 private:
  void validate_on(const ListSets& lists);
  [[nodiscard]] std::string configuration() const;
  [[nodiscard]] double seconds() const {
    return state_.seconds + std::chrono::duration<double>(Clock::now() - began_).count();
  }
  [[nodiscard]] double progress() const {
    return options_.steps > 0 ? static_cast<double>(state_.step) / static_cast<double>(options_.steps)
                              : seconds() / (60 * options_.minutes);
  }
  [[nodiscard]] bool validation_due() const;
  void resume();
  void learn(Loader& loader);
  void validate();
  void save();
  void save_curves() const;
  Validator::Outcome evaluate(const std::map<std::string, Tensor>& weights);
  [[nodiscard]] std::map<std::string, Tensor> current_weights() const;
  [[nodiscard]] Model model_of(const std::map<std::string, Tensor>& weights) const;
  TrainResult finish();

  TrainOptions options_;
  TrainObserver& observer_;
  Model start_;
  TorchNetwork net_;
  Optimiser optimiser_;
  Lesson lesson_;
  Validator validator_;
  std::optional<float> extent_;  // of the patches' windows, σ
  std::vector<std::string> training_names_, validation_names_;
  RunState state_;
  bool resumed_ = false;
  Clock::time_point began_ = Clock::now();
  double last_rate_ = 0;
  double running_loss_ = 0;
  double validation_seconds_ = 0;  // how long the last one took
  double validated_at_ = 0;
  double saved_at_ = 0;
  std::int64_t saved_step_ = -1;
};

/// And says what the first stage reaches there alone.
void TrainingRun::validate_on(const ListSets& lists) {
  validator_.add(lists, *lesson_.rule, options_);
  for (const SceneScore& score : validator_.without_network(net_))
    observer_.on_message(fmt::format("{}: by similarity alone FPR95 {:.2f} %, {:.1f} % right answers", score.scene,
                                     100 * score.fpr95, 100 * score.matching));
}

std::string TrainingRun::configuration() const {
  nlohmann::json json;
  json["network"] = nlohmann::json::parse(to_json(start_.spec));
  json["options"] = nlohmann::json::parse(to_json(options_));
  json["data"] = training_names_;
  json["validation"] = validation_names_;
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);  // names may be any bytes
}

void TrainingRun::resume() {
  if (options_.checkpoint.empty()) return;
  std::error_code ignored;  // the checkpoint's own write says what is wrong with the folder
  std::filesystem::create_directories(options_.checkpoint, ignored);
  auto saved = read_checkpoint(options_.checkpoint, state_.configuration);
  if (!saved) return;
  state_ = std::move(*saved);
  net_.load(state_.weights);
  optimiser_.load(state_.optimiser);
  resumed_ = true;
  saved_step_ = state_.step;
  validated_at_ = saved_at_ = state_.seconds;
  observer_.on_message(fmt::format("{} at step {} of the run in {}", state_.done ? "finished" : "resuming", state_.step,
                                   options_.checkpoint.string()));
}

void TrainingRun::learn(Loader& loader) {
  double value = 0;
  for (int i = 0; i < options_.accumulate; ++i) {
    const auto loss = lesson_loss(net_, options_, lesson_, loader.next()) / options_.accumulate;
    loss.backward();
    value += loss.item<double>();
  }
  last_rate_ = learning_rate(options_, state_.step, progress());
  if (!std::isfinite(value)) {
    const std::string kept = saved_step_ >= 0 ? fmt::format("the last good checkpoint is {} (step {})",
                                                            checkpoint_path(options_.checkpoint).string(), saved_step_)
                                              : std::string("there is no earlier checkpoint");
    throw TrainingDiverged(state_.step + 1,
                           fmt::format("the loss is {} at step {} (rate {:.3g}): {}; try a lower --rate", value,
                                       state_.step + 1, last_rate_, kept));
  }
  optimiser_.step(last_rate_, options_.optimiser == OptimiserKind::asgd && progress() >= options_.average_from);
  ++state_.step;
  state_.loss_sum += value;
  ++state_.loss_count;
  running_loss_ = running_loss_ == 0 ? value : 0.98 * running_loss_ + 0.02 * value;
}

std::map<std::string, Tensor> TrainingRun::current_weights() const {
  auto weights = net_.save();
  if (optimiser_.has_average())
    for (auto& [name, tensor] : optimiser_.average()) weights[name] = tensor;
  return weights;
}

Validator::Outcome TrainingRun::evaluate(const std::map<std::string, Tensor>& weights) {
  const auto learning = net_.save();
  net_.load(weights);
  auto outcome = validator_.run(net_);
  net_.load(learning);
  return outcome;
}

bool TrainingRun::validation_due() const {
  if (options_.validate_every > 0) return state_.step % options_.validate_every == 0;
  if (options_.steps > 0) return state_.step % std::max<std::int64_t>(1, options_.steps / kValidations) == 0;
  const double interval = std::max(60 * options_.minutes / kValidations, validation_seconds_ / kValidationShare);
  return seconds() - validated_at_ >= interval;
}

void TrainingRun::validate() {
  const auto began = Clock::now();
  const auto weights = current_weights();
  HistoryEntry entry;
  if (!validator_.empty()) entry.scenes = evaluate(weights).scenes;
  entry.step = state_.step;
  entry.seconds = seconds();
  entry.loss = state_.loss_count > 0 ? state_.loss_sum / static_cast<double>(state_.loss_count) : 0;
  entry.rate = last_rate_;
  state_.loss_sum = 0;
  state_.loss_count = 0;

  bool best = validator_.empty() || state_.best_step < 0;
  if (!best) {
    const auto& before = *std::find_if(state_.history.begin(), state_.history.end(),
                                       [&](const HistoryEntry& e) { return e.step == state_.best_step; });
    best =
        std::pair(entry.mean_fpr95(), -entry.mean_matching()) < std::pair(before.mean_fpr95(), -before.mean_matching());
  }
  state_.history.push_back(entry);
  if (best) {
    state_.best = weights;
    state_.best_step = state_.step;
    state_.validations_since_best = 0;
  } else {
    ++state_.validations_since_best;
  }
  validation_seconds_ = std::chrono::duration<double>(Clock::now() - began).count();
  validated_at_ = seconds();
  observer_.on_validation(entry, best);
}

void TrainingRun::save() {
  if (options_.checkpoint.empty()) return;
  RunState copy = state_;
  copy.seconds = seconds();
  copy.weights = net_.save();
  copy.optimiser = optimiser_.save();
  try {
    write_checkpoint(options_.checkpoint, copy);
    save_curves();
    if (state_.best_step == state_.step && !state_.best.empty())
      save_model(options_.checkpoint / "best.safetensors", model_of(state_.best));
    saved_step_ = state_.step;
  } catch (const IoError& error) {
    // Hours of learning are worth more than a checkpoint: the one before is whole, and the next try may succeed.
    observer_.on_message(fmt::format("checkpoint failed, training continues ({}): {}",
                                     saved_step_ >= 0 ? fmt::format("the last good one is from step {}", saved_step_)
                                                      : std::string("there is no earlier one"),
                                     error.what()));
  }
  saved_at_ = seconds();
}

void TrainingRun::save_curves() const {
  const auto write = [&](const char* name, const std::string& content) {
    AtomicFile file(options_.checkpoint / name);
    file.write(content);
    file.commit();
  };
  write("curve.csv", history_csv(state_.history));
  write("curve.svg", history_svg(state_.history, start_.spec.name));
}

Model TrainingRun::model_of(const std::map<std::string, Tensor>& weights) const {
  Model model;
  model.spec = start_.spec;
  model.weights = weights;
  nlohmann::ordered_json training;
  training["options"] = nlohmann::ordered_json::parse(to_json(options_));
  training["data"] = training_names_;
  training["validation"] = validation_names_;
  training["steps"] = state_.step;
  training["best_step"] = state_.best_step;
  training["seconds"] = seconds();
  training["history"] = nlohmann::ordered_json::parse(history_json(state_.history));
  model.metadata["training"] = training.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  std::string names;
  for (const auto& name : training_names_) names += (names.empty() ? "" : ", ") + name;
  model.metadata["data"] = names;
  if (lesson_.rule) store_two_stage_rule(model, *lesson_.rule);
  if (extent_) model.metadata["patch_extent"] = fmt::format("{:g}", *extent_);
  return model;
}

TrainResult TrainingRun::finish() {
  TrainResult result;
  result.model = model_of(state_.best);
  result.history = state_.history;
  result.steps = state_.step;
  result.best_step = state_.best_step;
  result.seconds = seconds();
  result.resumed = resumed_;
  auto& weights = result.model.weights;
  if (options_.half) {
    const auto full = weights;
    for (auto& [name, tensor] : weights) {
      tensor.stored_as = TensorType::f16;
      for (float& value : tensor.values) value = from_half(to_half(value));
    }
    if (!validator_.empty()) {
      const auto before = evaluate(full).scenes;
      const auto after = evaluate(weights).scenes;
      for (std::size_t i = 0; i < before.size(); ++i) {
        if (std::abs(before[i].fpr95 - after[i].fpr95) <= kHalfPrecisionLoss) continue;
        observer_.on_message(fmt::format("fp16 moves FPR95 of {} from {:.2f} to {:.2f} %: the weights stay fp32",
                                         before[i].scene, 100 * before[i].fpr95, 100 * after[i].fpr95));
        weights = full;
        break;
      }
    }
  }
  if (!validator_.empty()) {
    const auto outcome = evaluate(weights);
    result.model.metadata["calibration"] = to_json(calibrate(outcome.scores, outcome.labels));
  }
  return result;
}

TrainResult TrainingRun::run(const std::stop_token& stop) {
  resume();
  began_ = Clock::now();
  if (!state_.done) {
    net_.set_training(true);
    Loader loader(lesson_.make, state_.step * options_.accumulate);
    double reported = 0;
    while (progress() < 1) {
      if (stop.stop_requested()) {
        save();
        throw Interrupted();
      }
      learn(loader);
      if (seconds() - reported > 0.2) {
        reported = seconds();
        const double left = progress() > 0 ? seconds() * (1 - progress()) / progress() : 0;
        observer_.on_step({state_.step, options_.steps, seconds(), std::max(0.0, left), running_loss_, last_rate_});
      }
      if (validation_due()) {
        validate();
        save();
        if (options_.patience > 0 && state_.validations_since_best >= options_.patience) {
          observer_.on_message(fmt::format("no new best in {} validations: stopped", options_.patience));
          break;
        }
      } else if (seconds() - saved_at_ > 60 * options_.checkpoint_minutes) {
        save();
      }
    }
    if (state_.history.empty() || state_.history.back().step != state_.step) validate();
    state_.done = true;
    save();
  }
  return finish();
}

}  // namespace
}  // namespace twinpatch::train

namespace twinpatch {

TrainResult train_network(const TrainOptions& options, TrainObserver& observer, std::stop_token stop) {
  const NetworkSpec spec = find_network(options.network);
  const TrainOptions resolved = resolve(options, spec);
  at::set_num_threads(resolved.threads > 0 ? resolved.threads : available_threads());
  auto scenes = train::load_scenes(resolved, observer);
  train::check_patch_size(spec, scenes);
  train::TrainingRun run(resolved, spec, std::move(scenes), observer);
  return run.run(stop);
}

}  // namespace twinpatch
