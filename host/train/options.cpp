// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/train/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "losses.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/train/trainer.hpp"

namespace twinpatch {
namespace {

constexpr double kSoftmaxTemperature = 0.05;  // of cosines; measured on small runs, docs/experiments/training.md

LossKind default_loss(const NetworkSpec& spec) {
  if (const auto* metric = std::get_if<DecisionMetric>(&spec.decision)) {
    if (metric->kind == DecisionMetric::Kind::cosine) return LossKind::cosine;
    return metric->kind == DecisionMetric::Kind::l1 ? LossKind::energy : LossKind::triplet;
  }
  return spec.coupling == Coupling::two_channel ? LossKind::hinge : LossKind::grid;
}

double default_rate(const TrainOptions& options) {
  if (options.optimiser == OptimiserKind::adam) return 1e-3;
  switch (options.loss) {
    case LossKind::triplet:
    case LossKind::softmax:
      return 0.1;
    case LossKind::energy:
    case LossKind::cosine:
      return 0.01;
    default:
      return options.optimiser == OptimiserKind::asgd ? 0.1 : 0.02;
  }
}

[[noreturn]] void refuse(const TrainOptions& options, const NetworkSpec& spec, std::string_view why) {
  throw InvalidArgument(fmt::format("loss {} cannot train {}: {}; {} can", to_string(options.loss), spec.name, why,
                                    to_string(default_loss(spec))));
}

void check_loss(const TrainOptions& options, const NetworkSpec& spec) {
  const auto* metric = std::get_if<DecisionMetric>(&spec.decision);
  const bool cosine = metric != nullptr && metric->kind == DecisionMetric::Kind::cosine;
  switch (options.loss) {
    case LossKind::grid:
      if (metric != nullptr) refuse(options, spec, "it needs a decision part");
      if (spec.coupling == Coupling::two_channel) refuse(options, spec, "its branch sees both patches at once");
      break;
    case LossKind::hinge:
      if (metric != nullptr) refuse(options, spec, "a distance never reaches the hinge's +1");
      break;
    case LossKind::triplet:
    case LossKind::softmax:
      if (metric == nullptr) refuse(options, spec, "it needs a distance");
      break;
    case LossKind::energy:
      (void)train::energy_bound(spec);
      break;
    case LossKind::cosine:
      if (!cosine) refuse(options, spec, "it needs a network that compares by cosine");
      break;
    case LossKind::lists:
      if (metric != nullptr) refuse(options, spec, "its score is added to a descriptor's: it needs a decision part");
      break;
    case LossKind::automatic:
      break;
  }
  const bool on_grid =
      options.loss == LossKind::grid || options.loss == LossKind::triplet || options.loss == LossKind::softmax;
  if (on_grid && options.pairs == PairSource::list)
    throw InvalidArgument(
        fmt::format("loss {} takes its negatives from the batch: pairs must come from groups, not from a list",
                    to_string(options.loss)));
}

void check_range(std::string_view name, double value, double low, double high) {
  if (!(value >= low && value <= high))
    throw InvalidArgument(fmt::format("{} is {}, it must be in {} to {}", name, value, low, high));
}

}  // namespace

WindowRange parse_window_range(std::string_view text) {
  WindowRange range;
  const char* end = text.data() + text.size();
  const auto [colon, bad_least] = std::from_chars(text.data(), end, range.least, std::chars_format::fixed);
  if (bad_least == std::errc{} && colon != end && *colon == ':') {
    const auto [stop, bad_most] = std::from_chars(colon + 1, end, range.most, std::chars_format::fixed);
    const bool ordered = range.least >= 1 && range.least <= range.most && std::isfinite(range.most);
    if (bad_most == std::errc{} && stop == end && ordered) return range;
  }
  throw InvalidArgument(
      fmt::format("\"{}\" is no range of windows: expected LEAST:MOST in sigma, such as 10:24", text));
}

KindShares parse_kind_shares(std::string_view text) {
  KindShares shares{};
  double sum = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const auto comma = std::min(rest.find(','), rest.size());
    const std::string_view part = rest.substr(0, comma);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    const auto colon = std::min(part.find(':'), part.size());
    int kind = 0;
    while (kind < kListKinds && to_string(static_cast<ListKind>(kind)) != part.substr(0, colon)) ++kind;
    double share = -1;
    const std::string_view number = part.substr(std::min(colon + 1, part.size()));
    const auto [stop, bad] = std::from_chars(number.data(), number.data() + number.size(), share);
    if (kind == kListKinds || bad != std::errc{} || stop != number.data() + number.size() || !(share >= 0) ||
        !std::isfinite(share))
      throw InvalidArgument(
          fmt::format("\"{}\" is no share of a kind of lists: expected right:S, near:S, gross:S, wrong:S or none:S, "
                      "with commas between",
                      part));
    shares[static_cast<std::size_t>(kind)] = share;
    sum += share;
  }
  if (!(sum > 0)) throw InvalidArgument(fmt::format("\"{}\" leaves no kind of lists to draw", text));
  return shares;
}

std::string to_string(LossKind kind) {
  switch (kind) {
    case LossKind::automatic:
      return "automatic";
    case LossKind::hinge:
      return "hinge";
    case LossKind::grid:
      return "grid";
    case LossKind::triplet:
      return "triplet";
    case LossKind::softmax:
      return "softmax";
    case LossKind::energy:
      return "energy";
    case LossKind::cosine:
      return "cosine";
    case LossKind::lists:
      return "lists";
  }
  return "?";
}

std::string to_string(ListKind kind) {
  switch (kind) {
    case ListKind::right:
      return "right";
    case ListKind::near:
      return "near";
    case ListKind::gross:
      return "gross";
    case ListKind::wrong:
      return "wrong";
    case ListKind::none:
      return "none";
  }
  return "?";
}

std::string to_string(OptimiserKind kind) {
  switch (kind) {
    case OptimiserKind::sgd:
      return "sgd";
    case OptimiserKind::asgd:
      return "asgd";
    case OptimiserKind::adam:
      return "adam";
  }
  return "?";
}

std::string to_string(ScheduleKind kind) {
  switch (kind) {
    case ScheduleKind::constant:
      return "constant";
    case ScheduleKind::linear:
      return "linear";
    case ScheduleKind::cosine:
      return "cosine";
  }
  return "?";
}

std::string to_string(PairSource source) { return source == PairSource::groups ? "groups" : "list"; }

std::string to_string(Amp amp) { return amp == Amp::off ? "off" : "bf16"; }

TrainOptions resolve(TrainOptions options, const NetworkSpec& spec) {
  if (options.loss == LossKind::automatic) options.loss = default_loss(spec);
  if (options.loss == LossKind::softmax && options.temperature == 0) options.temperature = kSoftmaxTemperature;
  if (options.rate == 0) options.rate = default_rate(options);
  if (options.datasets.empty()) throw InvalidArgument("no dataset to train on");
  if ((options.steps > 0) == (options.minutes > 0))
    throw InvalidArgument("set the length of the run: either --steps or --minutes");
  check_range("the number of steps", static_cast<double>(options.steps), 0, 1e12);
  check_range("minutes", options.minutes, 0, 1e7);
  check_range("the batch", options.batch, 2, 65536);
  check_range("the number of batches of a step", options.accumulate, 1, 65536);
  check_range("the rate", options.rate, 1e-12, 1e3);
  check_range("the momentum", options.momentum, 0, 0.9999);
  check_range("the weight decay", options.weight_decay, 0, 1);
  check_range("the share left out", options.leave_out, 0, 0.9);
  check_range("the share of one scene", options.same_scene, 0, 1);
  check_range("the share of image pairs", options.same_images, 0, 1);
  check_range("the temperature", options.temperature, 0, 1e6);
  check_range("the number of hard negatives", options.hard, 1, 65536);
  check_range("the number of candidates mined", options.mine, 1, 1000);
  check_range("the validation pairs", options.validation_pairs, 20, 1e9);
  check_range("the share before averaging", options.average_from, 0, 1);
  check_range("warm-up", options.warm_up, 0, 1e9);
  check_range("the patch extent", options.patch_extent, 0, 1e6);
  check_range("the number of candidates of a list", options.list_candidates, 1, 10'000);
  check_range("the widest window", options.windows.most, 0, 1e6);
  if (options.windows.chosen()) check_range("the narrowest window", options.windows.least, 1, options.windows.most);
  if (options.hold_out < 0 || options.hold_out >= static_cast<int>(options.datasets.size()))
    throw InvalidArgument(fmt::format("{} of {} datasets cannot be held out: one is needed to train on",
                                      options.hold_out, options.datasets.size()));
  check_loss(options, spec);
  return options;
}

std::string to_json(const TrainOptions& options) {
  const auto& a = options.augmentation;
  const nlohmann::ordered_json json = {{"pairs", to_string(options.pairs)},
                                       {"steps", options.steps},
                                       {"minutes", options.minutes},
                                       {"batch", options.batch},
                                       {"accumulate", options.accumulate},
                                       {"amp", to_string(options.amp)},
                                       {"loss", to_string(options.loss)},
                                       {"ranking", options.ranking},
                                       {"temperature", options.temperature},
                                       {"hard", options.hard},
                                       {"mine", options.mine},
                                       {"leave_out", options.leave_out},
                                       {"same_scene", options.same_scene},
                                       {"same_images", options.same_images},
                                       {"kinds", options.kinds},
                                       {"list_candidates", options.list_candidates},
                                       {"optimiser", to_string(options.optimiser)},
                                       {"rate", options.rate},
                                       {"momentum", options.momentum},
                                       {"weight_decay", options.weight_decay},
                                       {"average_from", options.average_from},
                                       {"schedule", to_string(options.schedule)},
                                       {"warm_up", options.warm_up},
                                       {"clip", options.clip},
                                       {"seed", options.seed},
                                       {"validation_pairs", options.validation_pairs},
                                       {"validate_every", options.validate_every},
                                       {"patience", options.patience},
                                       {"initial", options.initial.filename().string()},
                                       {"windows", {options.windows.least, options.windows.most}},
                                       {"patch_extent", options.patch_extent},
                                       {"augmentation",
                                        {{"turns", a.turns},
                                         {"swap", a.swap},
                                         {"shift", a.shift},
                                         {"angle", a.angle},
                                         {"scale", a.scale},
                                         {"blur", a.blur},
                                         {"contrast", a.contrast}}}};
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);  // names may be any bytes
}

}  // namespace twinpatch
