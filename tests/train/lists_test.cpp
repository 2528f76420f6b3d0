// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "autocast.hpp"
#include "initial_weights.hpp"
#include "list_loss.hpp"
#include "list_sampler.hpp"
// libtorch's logging defines a CHECK of its own.
#undef CHECK

#include <catch2/catch.hpp>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "support/random.hpp"
#include "support/tolerances.hpp"
#include "tiny_lists.hpp"
#include "tiny_network.hpp"
#include "twinpatch/engine/two_stage.hpp"
#include "twinpatch/evaluate/metrics.hpp"

namespace {

using namespace twinpatch;
using Catch::Contains;
using test::TemporaryFolder;
using train::ListBatch;

/// Keeps what was said, and stops the run after a step.
struct Watch : TrainObserver {
  std::stop_source source;
  std::int64_t stop_after = -1;
  std::string messages;
  void on_validation(const HistoryEntry& entry, bool) override {
    if (entry.step == stop_after) source.request_stop();
  }
  void on_message(std::string_view text) override { messages += std::string(text) + "\n"; }
};

TrainResult run(const TrainOptions& options) {
  Watch watch;
  return train_network(options, watch);
}

NetworkSpec two_channel() { return test::tiny_spec(Coupling::two_channel, test::tiny_layers(16)); }

/// The loss as its definition says it, in double precision.
double reference(const std::vector<double>& network, const ListBatch& batch, const TwoStageRule& rule) {
  double sum = 0;
  for (int l = 0; l < batch.lists; ++l) {
    double all = 1;  // exp(0): "none of them"
    double right = 1;
    for (std::size_t c = 0; c < network.size(); ++c) {
      if (batch.owner[c] != l) continue;
      const double answer =
          std::exp(rule.similarity_weight * double{batch.similarity[c]} + rule.network_weight * network[c] - rule.none);
      all += answer;
      if (batch.right[static_cast<std::size_t>(l)] == static_cast<std::int64_t>(c)) right = answer;
    }
    sum -= std::log(right / all);
  }
  return sum / batch.lists;
}

/// Lists of these lengths with random similarities; every third has no right candidate.
ListBatch random_lists(const std::vector<int>& lengths, std::uint64_t seed) {
  test::Random random(seed);
  ListBatch batch;
  for (const int length : lengths) {
    const std::int64_t begin = std::ssize(batch.owner);
    for (int c = 0; c < length; ++c) {
      batch.owner.push_back(batch.lists);
      batch.similarity.push_back(static_cast<float>(random.normal()));
    }
    batch.right.push_back(batch.lists % 3 == 2 ? -1 : begin + random.below(length));
    ++batch.lists;
  }
  return batch;
}

at::Tensor as_scores(const std::vector<double>& values) {
  return at::tensor(std::vector<float>(values.begin(), values.end())).set_requires_grad(true);
}

TEST_CASE("the loss on lists by hand", "[train]") {
  ListBatch batch;
  batch.lists = 1;
  batch.owner = {0, 0};
  batch.similarity = {1, 2};
  batch.right = {1};
  const TwoStageRule rule{"hard128", 8, 0.5, 1, 0.25};
  // Answers 1 (none), 2 and 3: the right one has probability 3/6.
  const std::vector<double> scores{std::log(2.0) - 0.5 + 0.25, std::log(3.0) - 1 + 0.25};
  CHECK(train::list_softmax(as_scores(scores), batch, rule).item<float>() == Approx(std::log(2.0)));
  CHECK(reference(scores, batch, rule) == Approx(std::log(2.0)));
  batch.right = {-1};
  CHECK(train::list_softmax(as_scores(scores), batch, rule).item<float>() == Approx(std::log(6.0)));
  CHECK(reference(scores, batch, rule) == Approx(std::log(6.0)));
  // One candidate as likely as none.
  batch.owner = {0};
  batch.similarity = {0};
  CHECK(train::list_softmax(as_scores({0.25}), batch, rule).item<float>() == Approx(std::log(2.0)));
}

TEST_CASE("the loss on lists and its gradient are those of the definition", "[train]") {
  const TwoStageRule rule{"hard128", 8, 3.5, 0.75, -0.5};
  for (const auto& lengths : std::vector<std::vector<int>>{{1}, {7}, {1, 5, 2, 16, 1, 3, 8}, {4, 4, 4}}) {
    const ListBatch batch = random_lists(lengths, 7 + lengths.size());
    test::Random random(lengths.size());
    std::vector<double> scores;
    for (std::size_t c = 0; c < batch.owner.size(); ++c)
      scores.push_back(double{static_cast<float>(2 * random.normal())});
    const auto network = as_scores(scores);
    const auto loss = train::list_softmax(network, batch, rule);
    CHECK(loss.item<float>() == Approx(reference(scores, batch, rule)).epsilon(1e-5));
    loss.backward();
    const auto gradient = network.grad().contiguous();
    for (std::size_t c = 0; c < scores.size(); ++c) {
      constexpr double kStep = 1e-5;
      auto up = scores, down = scores;
      up[c] += kStep;
      down[c] -= kStep;
      const double slope = (reference(up, batch, rule) - reference(down, batch, rule)) / (2 * kStep);
      CHECK(gradient.data_ptr<float>()[c] == Approx(slope).epsilon(1e-4).margin(1e-6));
    }
  }
  // Scores far apart are no reason for a loss that is no number.
  const ListBatch batch = random_lists({3, 2}, 5);
  CHECK(std::isfinite(train::list_softmax(as_scores({1e4, -1e4, 0, -1e4, 1e4}), batch, rule).item<float>()));
}

TEST_CASE("a list's truth is by distance, scale and angle", "[train]") {
  using enum CandidateTruth;
  const auto truth = [](float distance, float scale, float angle) {
    return train::truth_of({0, false, 0, distance, scale, angle});
  };
  CHECK(truth(3, 0.5F, -0.78F) == right);
  CHECK(truth(3.01F, 0, 0) == ignored);
  CHECK(truth(1, 0.51F, 0) == ignored);
  CHECK(truth(1, -0.51F, 0) == ignored);
  CHECK(truth(1, 0, 0.8F) == ignored);
  CHECK(truth(5, 0, 0) == ignored);
  CHECK(truth(5.01F, 0, 0) == wrong);
}

/// Labelled lists by (distance, mutual) of their candidates, the most similar first.
train::LabelledList labelled(const std::vector<std::pair<float, bool>>& candidates) {
  const TemporaryFolder folder;
  test::write_lists(folder, "set", 20, 1);
  std::vector<std::int32_t> ids;
  std::vector<float> measures;
  const auto count = static_cast<std::int32_t>(candidates.size());
  for (std::int32_t c = 0; c < count; ++c) {
    ids.insert(ids.end(), {20 + c, candidates[static_cast<std::size_t>(c)].second ? 1 : 0});
    measures.insert(measures.end(), {-float(c), candidates[static_cast<std::size_t>(c)].first, 0, 0});
  }
  write_npy<std::int32_t>(folder / "set/lists.npy", std::vector<std::int32_t>{3, count}, {1, 2});
  write_npy<std::int32_t>(folder / "set/candidates.npy", ids, {count, 2});
  write_npy<float>(folder / "set/measures.npy", measures, {count, 4});
  return train::label_list(CandidateLists(folder / "set"), 0);
}

TEST_CASE("lists have a kind by what the similarity alone makes of them", "[train]") {
  const auto kind = [](const std::vector<std::pair<float, bool>>& candidates) {
    return train::kind_of(labelled(candidates));
  };
  CHECK(kind({{1, true}, {80, false}}) == ListKind::right);
  CHECK(kind({{7, true}, {1, false}}) == ListKind::near);
  CHECK(kind({{2.5F, true}, {1, false}}) == ListKind::near);  // right as well, but the other is nearer
  CHECK(kind({{90, true}, {1, false}}) == ListKind::gross);
  CHECK(kind({{90, true}, {40, false}}) == ListKind::wrong);
  CHECK(kind({{90, false}, {40, true}}) == ListKind::none);
  CHECK_FALSE(kind({{90, false}, {4, true}}));
  const auto list = labelled({{2.5F, true}, {30, false}, {1, false}, {4, false}, {60, false}});
  CHECK(list.right == 2);
  using enum CandidateTruth;
  const std::vector<CandidateTruth> truths{ignored, wrong, right, ignored, wrong};
  CHECK((list.truths == truths));
  const auto three = train::shortened(list, 3);
  CHECK(three.candidates.size() == 3);
  CHECK(three.right == 1);
  const auto two = train::shortened(list, 2);
  REQUIRE(two.candidates.size() == 2);
  CHECK(two.candidates[0].distance == 30);
  CHECK(two.right == 1);
  CHECK(train::shortened(list, 1).right == 0);
  CHECK(train::shortened(labelled({{90, false}, {40, true}}), 1).right == -1);
}

TEST_CASE("a batch of lists depends on its number alone and is drawn by kind", "[train]") {
  const TemporaryFolder folder;
  TrainOptions options = test::list_options(folder, two_channel(), 10);
  options.batch = 64;
  const train::ListSets sets{std::make_shared<const CandidateLists>(options.datasets.front())};
  const train::ListSampler sampler(sets, options);
  const auto counts = sampler.counts();
  CHECK(counts[0] + counts[1] + counts[2] + counts[3] + counts[4] <= 120);
  const ListBatch batch = sampler.batch(3);
  CHECK(batch.lists == 64);
  CHECK(batch.height == 16);
  CHECK(std::ssize(batch.pixels) == (64 + std::ssize(batch.owner)) * 256);
  CHECK(batch.pixels == sampler.batch(3).pixels);
  CHECK(batch.pixels != sampler.batch(4).pixels);
  for (std::size_t l = 0; l < batch.right.size(); ++l) {
    if (batch.right[l] < 0) continue;
    CHECK(batch.owner[static_cast<std::size_t>(batch.right[l])] == static_cast<std::int64_t>(l));
  }
  bool swapped = false, straight = false;
  for (int step = 0; step < 20; ++step) (sampler.batch(step).swapped ? swapped : straight) = true;
  CHECK((swapped && straight));

  options.kinds = parse_kind_shares("wrong:1,none:2");
  const train::ListSampler without(sets, options);
  for (const std::int64_t right : without.batch(0).right) CHECK(right == -1);
  options.kinds = parse_kind_shares("right:1");
  for (const std::int64_t right : train::ListSampler(sets, options).batch(0).right) CHECK(right >= 0);

  options.kinds = {1, 1, 1, 1, 1};
  options.augmentation = {};
  options.augmentation.turns = options.augmentation.swap = false;
  options.augmentation.shift = options.augmentation.angle = options.augmentation.scale = 0;
  options.augmentation.blur = options.augmentation.contrast = 0;
  options.list_candidates = 2;
  const train::ListSampler plain(sets, options);
  const ListBatch as_stored = plain.batch(0);
  CHECK_FALSE(as_stored.swapped);
  for (std::int64_t l = 0; l < as_stored.lists; ++l) {
    CHECK(std::count(as_stored.owner.begin(), as_stored.owner.end(), l) <= 2);
    const auto* const patch = as_stored.pixels.data() + l * 256;
    bool left = false;  // only keypoints of the first image, as they are
    for (int i = 0; i < 60; ++i) left = left || std::equal(patch, patch + 256, sets[0]->patch(i));
    CHECK(left);
  }
  CHECK(plain.counts()[0] < counts[0]);
}

TEST_CASE("shares of kinds are named numbers", "[train]") {
  CHECK(parse_kind_shares("near:2,right:0.5") == KindShares{0.5, 2, 0, 0, 0});
  for (const char* bad : {"", "right", "right:", "right:-1", "left:1", "right:1,,none:1", "right:1x", "none:inf",
                          "right:0", "right:nan", ","})
    CHECK_THROWS_AS(parse_kind_shares(bad), InvalidArgument);
}

TEST_CASE("candidates are scored as the pairs they are, on either side", "[train]") {
  const TemporaryFolder folder;
  for (const Coupling coupling : {Coupling::two_channel, Coupling::siamese, Coupling::pseudo_siamese}) {
    const bool pairs = coupling == Coupling::two_channel;
    const NetworkSpec spec = test::tiny_spec(coupling, test::tiny_layers(pairs ? 16 : 32));
    TrainOptions options = test::list_options(folder, spec, 10);
    options.batch = 5;
    const train::ListSampler sampler({std::make_shared<const CandidateLists>(options.datasets.front())}, options);
    const train::TorchNetwork net(train::initial_model(spec, 3), at::kCPU);
    for (int step = 0; step < 6; ++step) {  // swapped and not
      ListBatch batch = sampler.batch(step);
      const auto scores = train::list_scores(net, batch).contiguous();
      REQUIRE(scores.numel() == std::ssize(batch.owner));
      const auto patch = [&](std::int64_t i) {
        return net.normalise(at::from_blob(batch.pixels.data() + i * 256, {1, 16, 16}, at::kByte));
      };
      for (std::int64_t c = 0; c < scores.numel(); ++c) {
        const auto keypoint = patch(batch.owner[static_cast<std::size_t>(c)]);
        const auto candidate = patch(batch.lists + c);
        const auto score = batch.swapped ? net.pair_scores(candidate, keypoint) : net.pair_scores(keypoint, candidate);
        CHECK(scores.data_ptr<float>()[c] == Approx(score.item<float>()).epsilon(1e-4).margin(1e-5));
      }
    }
  }
}

TEST_CASE("networks with decisions learn from lists", "[train]") {
  struct Case {
    const char* name;
    NetworkSpec spec;
  };
  for (const Case& c :
       {Case{"2-channel", two_channel()}, Case{"siamese", test::tiny_spec(Coupling::siamese, test::tiny_layers(32))},
        Case{"pseudo", test::tiny_spec(Coupling::pseudo_siamese, test::tiny_layers(32))}}) {
    INFO(c.name);
    const TemporaryFolder folder;
    TrainOptions options = test::list_options(folder, c.spec, 200);
    options.validate_every = 100;
    Watch watch;
    const TrainResult result = train_network(options, watch);
    INFO(watch.messages);
    CHECK_THAT(watch.messages, Contains("by similarity alone FPR95") && Contains("added to"));
    REQUIRE(result.history.size() == 2);
    CHECK(result.history.back().loss < result.history.front().loss);
    const SceneScore& score = result.history.back().scenes.at(0);
    CHECK(score.scene == "lakes");
    // By similarity alone: 0.15. Towers with a learned head need more steps than a test has.
    if (c.spec.coupling == Coupling::two_channel) CHECK(score.matching > 0.6);
    const TwoStageRule rule = two_stage_rule(result.model, "hard128");
    CHECK(rule.candidates == 4);
    CHECK(rule.network_weight == 1);
    CHECK(calibration_from_json(result.model.metadata.at("calibration")).scale > 0);
    CHECK(result.model.metadata.at("patch_extent") == "20");
  }
}

TEST_CASE("a run on lists that was stopped goes on as if it had not been, with bf16 too", "[train]") {
  const TemporaryFolder folder;
  for (const Amp amp : {Amp::off, Amp::bf16}) {
    TrainOptions options = test::list_options(folder, two_channel(), 40);
    options.amp = amp;
    options.accumulate = 2;
    options.validate_every = 10;
    if (amp == Amp::bf16) {
      try {
        train::check_bf16(at::kCPU);
      } catch (const DeviceError& why) {
        WARN("skipped: " << why.what());
        return;
      }
    }
    const TrainResult whole = run(options);
    options.checkpoint = folder / ("run-" + to_string(amp));
    for (const std::int64_t at : {10, 30}) {
      Watch watch;
      watch.stop_after = at;
      CHECK_THROWS_AS(train_network(options, watch, watch.source.get_token()), Interrupted);
    }
    const TrainResult rest = run(options);
    CHECK(rest.resumed);
    CHECK(rest.steps == 40);
    CHECK(rest.best_step == whole.best_step);
    const double allowed = amp == Amp::bf16 ? test::tolerance::kScoreBf16.relative : 1e-5;
    REQUIRE(rest.history.size() == whole.history.size());
    for (std::size_t i = 0; i < whole.history.size(); ++i)
      CHECK(rest.history[i].loss == Approx(whole.history[i].loss).epsilon(allowed));
    if (amp == Amp::bf16) continue;
    for (const auto& [name, tensor] : whole.model.weights)
      for (std::size_t i = 0; i < tensor.values.size(); ++i)
        REQUIRE(rest.model.weights.at(name).values[i] == Approx(tensor.values[i]).margin(1e-5));
    options.kinds = parse_kind_shares("right:1");
    CHECK_THROWS_WITH(run(options), Contains("options.kinds"));
  }
}

TEST_CASE("lists and losses that do not go together are refused", "[train]") {
  const TemporaryFolder folder;
  const TrainOptions good = test::list_options(folder, two_channel(), 4);
  const auto refused = [&](auto change, const char* words) {
    TrainOptions options = good;
    change(options);
    CHECK_THROWS_WITH(run(options), Contains(words));
  };
  const auto scene = test::write_scene(folder, "scene", 20, 2, 4);
  refused([&](TrainOptions& o) { o.datasets = {scene}; }, "is no dataset of candidate lists");
  refused([&](TrainOptions& o) { o.loss = LossKind::hinge; }, "is a dataset of candidate lists");
  refused(
      [&](TrainOptions& o) {
        o.loss = LossKind::hinge;
        o.datasets = {scene};
      },
      "lakes is a dataset of candidate lists");
  refused([&](TrainOptions& o) { o.datasets.push_back(test::write_lists(folder, "other", 20, 5, "siam-l2")); },
          "train on lists of one kind");
  refused([&](TrainOptions& o) { o.validation = {test::write_lists(folder, "another", 20, 5, "siam-l2")}; },
          "train on lists of one kind");
  refused([&](TrainOptions& o) { o.list_candidates = 0; }, "the number of candidates of a list");
  refused([&](TrainOptions& o) { o.kinds = {}; }, "no list of a kind that is drawn");
  const auto metric = test::tiny_spec(Coupling::siamese, DecisionMetric{DecisionMetric::Kind::l2, true});
  TrainOptions options = good;
  options.network = folder.file("metric.json", to_json(metric)).string();
  CHECK_THROWS_WITH(run(options), Contains("it needs a decision part"));
  options.network = "2ch";
  CHECK_THROWS_WITH(run(options), Contains("2ch takes patches of 64×64"));
  // Scenes of patches may validate a run on lists; a dataset may be held out.
  options = good;
  options.validation = {scene};
  CHECK(run(options).history.back().scenes.at(0).scene == "scene");
  options.validation.clear();
  options.datasets.push_back(test::write_lists(folder, "small", 20, 6));
  options.hold_out = 1;
  CHECK(run(options).history.back().scenes.at(0).scene == "small");
}

}  // namespace
