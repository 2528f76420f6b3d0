// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "autocast.hpp"
#include "initial_weights.hpp"
#include "losses.hpp"
// libtorch's logging defines a CHECK of its own.
#undef CHECK

#include <signal.h>
#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "support/tolerances.hpp"
#include "tiny_network.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/evaluate/metrics.hpp"

namespace {

using namespace twinpatch;
using Catch::Contains;
using test::TemporaryFolder;

/// Remembers what was said, and stops the run after a step.
struct Watch : TrainObserver {
  std::stop_source source;
  std::int64_t stop_after = -1;
  std::vector<std::string> messages;
  std::vector<HistoryEntry> entries;
  void on_validation(const HistoryEntry& entry, bool) override {
    entries.push_back(entry);
    if (entry.step == stop_after) source.request_stop();
  }
  void on_message(std::string_view text) override { messages.emplace_back(text); }
  [[nodiscard]] bool said(std::string_view words) const {
    return std::any_of(messages.begin(), messages.end(),
                       [&](const std::string& message) { return message.find(words) != std::string::npos; });
  }
};

TrainResult run(const TrainOptions& options) {
  Watch watch;
  return train_network(options, watch);
}

NetworkSpec siamese() { return test::tiny_spec(Coupling::siamese, test::tiny_layers(32)); }
NetworkSpec metric(DecisionMetric::Kind kind, bool normalise) {
  return test::tiny_spec(Coupling::siamese, DecisionMetric{kind, normalise});
}

TEST_CASE("a small network learns a small set with every loss", "[train]") {
  struct Case {
    const char* name;
    NetworkSpec spec;
    LossKind loss;
    OptimiserKind optimiser;
    double rate;
    int mine;
    double temperature = 0;
  };
  const std::vector<Case> cases = {
      {"grid", siamese(), LossKind::automatic, OptimiserKind::sgd, 0.05, 1},
      {"hinge", siamese(), LossKind::hinge, OptimiserKind::adam, 3e-3, 2},
      {"2-channel", test::tiny_spec(Coupling::two_channel, test::tiny_layers(16)), LossKind::automatic,
       OptimiserKind::adam, 3e-3, 2},
      {"pseudo", test::tiny_spec(Coupling::pseudo_siamese, test::tiny_layers(32)), LossKind::grid, OptimiserKind::adam,
       3e-3, 1},
      {"triplet", metric(DecisionMetric::Kind::l2, true), LossKind::automatic, OptimiserKind::sgd, 0.1, 1},
      {"softmax", metric(DecisionMetric::Kind::l2, true), LossKind::softmax, OptimiserKind::adam, 3e-3, 1},
      {"energy", metric(DecisionMetric::Kind::l1, false), LossKind::automatic, OptimiserKind::adam, 3e-3, 1},
      {"cosine", metric(DecisionMetric::Kind::cosine, true), LossKind::automatic, OptimiserKind::adam, 3e-3, 1},
      {"ranking by softmax", siamese(), LossKind::grid, OptimiserKind::adam, 3e-3, 1, 0.5},
      {"averaged", siamese(), LossKind::grid, OptimiserKind::asgd, 0.05, 1}};
  for (const Case& c : cases) {
    INFO(c.name);
    const TemporaryFolder folder;
    TrainOptions options = test::tiny_options(folder, c.spec, 150);
    options.loss = c.loss;
    options.optimiser = c.optimiser;
    options.rate = c.rate;
    options.mine = c.mine;
    options.temperature = c.temperature;
    options.validate_every = 75;
    const TrainResult result = run(options);
    REQUIRE(result.history.size() == 2);
    CHECK(result.history.back().loss < result.history.front().loss);
    CHECK(result.history.back().mean_fpr95() < 0.3);  // untrained: 0.6 to 0.9
    CHECK(result.steps == 150);
    const auto training = nlohmann::json::parse(result.model.metadata.at("training"));
    CHECK(training.at("history").size() == 2);
    CHECK(training.at("options").at("batch") == 32);
    CHECK(result.model.metadata.at("data") == "waves");
    CHECK(calibration_from_json(result.model.metadata.at("calibration")).scale > 0);
    check(result.model);
  }
}

TEST_CASE("listed pairs train too", "[train]") {
  const TemporaryFolder folder;
  TrainOptions options = test::tiny_options(folder, siamese(), 60);
  options.pairs = PairSource::list;
  options.loss = LossKind::hinge;
  options.optimiser = OptimiserKind::adam;
  options.rate = 3e-3;
  options.validate_every = 30;
  const TrainResult result = run(options);
  CHECK(result.history.back().loss < result.history.front().loss);
  options.loss = LossKind::grid;
  CHECK_THROWS_WITH(run(options), Contains("must come from groups"));
}

TEST_CASE("a run that was stopped goes on as if it had not been", "[train]") {
  const TemporaryFolder folder;
  for (const auto optimiser : {OptimiserKind::sgd, OptimiserKind::asgd, OptimiserKind::adam}) {
    TrainOptions options = test::tiny_options(folder, siamese(), 40);
    options.optimiser = optimiser;
    options.rate = 1e-2;
    options.validate_every = 10;
    const TrainResult whole = run(options);

    options.checkpoint = folder / ("run-" + to_string(optimiser));
    Watch watch;
    watch.stop_after = 20;
    CHECK_THROWS_AS(train_network(options, watch, watch.source.get_token()), Interrupted);
    CHECK(std::filesystem::exists(options.checkpoint / "best.safetensors"));
    const TrainResult rest = run(options);
    CHECK(rest.resumed);
    CHECK(rest.steps == 40);
    REQUIRE(rest.history.size() == whole.history.size());
    CHECK(rest.best_step == whole.best_step);
    for (std::size_t i = 0; i < whole.history.size(); ++i)
      CHECK(rest.history[i].loss == Approx(whole.history[i].loss).epsilon(1e-5));
    for (const auto& [name, tensor] : whole.model.weights)
      for (std::size_t i = 0; i < tensor.values.size(); ++i)
        REQUIRE(rest.model.weights.at(name).values[i] == Approx(tensor.values[i]).margin(1e-5));
    // Finished: the same command gives the model again and learns nothing more.
    const TrainResult again = run(options);
    CHECK(again.model.weights.begin()->second.values == rest.model.weights.begin()->second.values);
  }
}

TEST_CASE("a step is of the mean gradient of its batches, and the run resumes", "[train]") {
  const TemporaryFolder folder;
  TrainOptions options = test::tiny_options(folder, siamese(), 1);
  options.momentum = options.weight_decay = 0;
  options.warm_up = 0;
  options.schedule = ScheduleKind::constant;
  options.rate = 0.5;
  options.accumulate = 3;
  const TrainResult result = run(options);
  const NetworkSpec spec = find_network(options.network);
  const TrainOptions resolved = resolve(options, spec);
  const Model start = train::initial_model(spec, options.seed);
  const train::TorchNetwork net(start, at::kCPU);
  const train::Sampler sampler({std::make_shared<const Scene>(options.datasets.front(), options.cache)}, resolved);
  for (std::int64_t i = 0; i < 3; ++i) train::batch_loss(net, resolved, sampler.batch(i)).backward();
  double moved = 0;
  for (const auto& [name, tensor] : start.weights) {
    const auto gradient = net.weights().at(name).grad().contiguous();
    for (std::size_t i = 0; i < tensor.values.size(); ++i) {
      const float step = 0.5F / 3 * gradient.data_ptr<float>()[i];
      REQUIRE(result.model.weights.at(name).values[i] == Approx(tensor.values[i] - step).margin(1e-5));
      moved = std::max(moved, std::abs(double(step)));
    }
  }
  CHECK(moved > 1e-3);
}

TEST_CASE("bf16 learns as fp32 does and resumes, or is refused", "[train]") {
  const TemporaryFolder folder;
  TrainOptions options = test::tiny_options(folder, siamese(), 40);
  options.optimiser = OptimiserKind::adam;
  options.rate = 3e-3;
  options.accumulate = 2;
  options.validate_every = 20;
  const TrainResult exact = run(options);
  options.amp = Amp::bf16;
  try {
    train::check_bf16(at::kCPU);
  } catch (const DeviceError& why) {
    CHECK_THROWS_WITH(run(options), why.what());
    WARN("skipped: " << why.what());
    return;
  }
  const TrainResult whole = run(options);
  CAPTURE(exact.history[0].loss, exact.history[1].loss, whole.history[0].loss, whole.history[1].loss);
  CHECK(whole.history[0].loss == Approx(exact.history[0].loss).epsilon(test::tolerance::kScoreBf16.relative));
  CHECK(whole.history[0].loss != exact.history[0].loss);
  options.checkpoint = folder / "run";
  Watch watch;
  watch.stop_after = 20;
  CHECK_THROWS_AS(train_network(options, watch, watch.source.get_token()), Interrupted);
  const TrainResult rest = run(options);
  CHECK(rest.resumed);
  CHECK(rest.history.back().loss == Approx(whole.history.back().loss).epsilon(test::tolerance::kScoreBf16.relative));
  options.amp = Amp::off;
  CHECK_THROWS_WITH(run(options), Contains("amp is \"bf16\" in the checkpoint and \"off\" in the command"));
}

TEST_CASE("a checkpoint of another run is refused, a damaged one too", "[train]") {
  const TemporaryFolder folder;
  TrainOptions options = test::tiny_options(folder, siamese(), 4);
  options.checkpoint = folder / "run";
  (void)run(options);
  options.rate = 0.5;
  CHECK_THROWS_WITH(run(options), Contains("options.rate is") && Contains("0.5 in the command"));
  folder.file("run/state.safetensors", "nothing of the kind");
  CHECK_THROWS_AS(run(options), FormatError);
}

TEST_CASE("a loss that is no number ends the run and leaves the last good checkpoint", "[train]") {
  const TemporaryFolder folder;
  TrainOptions options = test::tiny_options(folder, siamese(), 200);
  options.checkpoint = folder / "run";
  options.rate = 1e3;
  options.momentum = 0.99;
  options.weight_decay = 0;
  options.validate_every = 1;
  try {
    (void)run(options);
    FAIL("the loss stayed finite");
  } catch (const TrainingDiverged& error) {
    CHECK_THAT(error.what(), Contains("at step " + std::to_string(error.step())) && Contains("state.safetensors"));
    CHECK(std::filesystem::exists(folder / "run/state.safetensors"));
  }
}

TEST_CASE("a checkpoint that cannot be written does not end the run", "[train]") {
  const TemporaryFolder folder;
  TrainOptions options = test::tiny_options(folder, siamese(), 6);
  options.checkpoint = folder / "run";
  options.validate_every = 2;
  Watch watch;
  // A bound on the size of files stands for a full disk: writes fail in the middle.
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{4096, before.rlim_max};
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  TrainResult result;
  try {
    result = train_network(options, watch);
  } catch (...) {
  }
  setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, handler);
  CHECK(result.steps == 6);
  CHECK(watch.said("checkpoint failed, training continues"));
  CHECK_FALSE(std::filesystem::exists(folder / "run/state.safetensors"));
}

TEST_CASE("options that cannot work are refused before anything is read", "[train]") {
  const TemporaryFolder folder;
  const TrainOptions good = test::tiny_options(folder, siamese(), 5);
  const auto refused = [&](const NetworkSpec& spec, auto change, const char* words) {
    TrainOptions options = good;
    change(options);
    CHECK_THROWS_WITH(resolve(options, spec), Contains(words));
  };
  refused(
      siamese(), [](TrainOptions& o) { o.loss = LossKind::triplet; }, "it needs a distance");
  refused(
      siamese(), [](TrainOptions& o) { o.loss = LossKind::energy; }, "compares by distance");
  refused(
      siamese(), [](TrainOptions& o) { o.loss = LossKind::softmax; }, "it needs a distance");
  refused(
      metric(DecisionMetric::Kind::l2, true), [](TrainOptions& o) { o.loss = LossKind::hinge; }, "never reaches");
  refused(
      metric(DecisionMetric::Kind::l2, true), [](TrainOptions& o) { o.loss = LossKind::cosine; }, "by cosine");
  refused(
      network("2ch"), [](TrainOptions& o) { o.loss = LossKind::grid; }, "sees both patches");
  refused(
      siamese(), [](TrainOptions& o) { o.steps = 0; }, "either --steps or --minutes");
  refused(
      siamese(), [](TrainOptions& o) { o.minutes = 3; }, "either --steps or --minutes");
  refused(
      siamese(), [](TrainOptions& o) { o.batch = 1; }, "the batch is 1");
  refused(
      siamese(), [](TrainOptions& o) { o.hold_out = 1; }, "cannot be held out");
  refused(
      siamese(), [](TrainOptions& o) { o.datasets.clear(); }, "no dataset");
  TrainOptions options = good;
  options.network = "siam";
  CHECK_THROWS_WITH(run(options), Contains("siam takes patches of 64×64"));
}

TEST_CASE("curves are written as a table and a picture", "[train]") {
  HistoryEntry a{10, 1.5, 0.8, 0.02, {{"graf & co", 0.25, 0.9, 0.5}, {"boat", 0.5, 0.8, 0.25}}};
  HistoryEntry b = a;
  b.step = 20;
  b.scenes[0].fpr95 = 0.0;
  const auto csv = history_csv({a, b});
  CHECK_THAT(csv, Contains("step,seconds,loss,rate,mean fpr95") && Contains("10,1.5,0.8,0.02,0.375000,0.375000"));
  const auto svg = history_svg({a, b}, "tiny");
  CHECK_THAT(svg, Contains("graf &amp; co") && Contains("</svg>"));
  CHECK_THAT(history_svg({}, "none"), Contains("</svg>"));
  CHECK(history_csv({}) == "step,seconds,loss,rate\n");
}

}  // namespace
