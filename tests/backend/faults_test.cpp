// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>

#include "backend_table.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/net/activation_bounds.hpp"

// Nothing, values that are not finite, and what does not fit.

namespace twinpatch::test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct OtherRows final : Rows {
  std::int64_t size() const override { return 5; }
  std::int64_t bytes() const override { return 0; }
  Side side() const override { return Side::left; }
};

struct OtherSelection final : Selection {
  const SelectionRequest& request() const override { return its_request; }
  void begin(const SelectionRequest& request) override { its_request = request; }
  Selected read() const override { return {}; }
  SelectionRequest its_request{.rows = 5, .columns = 5};
};

}  // namespace

TEST_CASE("nothing is made of nothing") {
  if (no_device()) return;
  const PatchView none{PixelType::u8, nullptr, 0, 64, 64};
  const Patches one(1, {64, 64}, 81);
  for (const char* name : {"2ch", "siam", "siam-l2"}) {
    INFO("network " << name);
    const auto model = shared_model(network(name));
    for_each_backend([&](const BackendRow& on) {
      const Rig rig = on.rig(model);
      const auto empty = rig.branch->rows(none, Side::left);
      CHECK(empty->size() == 0);
      const auto right = rig.branch->rows(one.view, Side::right);
      rig.scorer->score_list(*empty, *right, {}, {});
      rig.scorer->score_block(*empty, *right, nullptr, 1);
      const auto selection = rig.backend->make_selection({.rows = 0, .columns = 1, .top_k = 1, .column_best = true});
      rig.scorer->score_tile({empty.get(), 0}, {right.get(), 0}, *selection);
      CHECK(selection->read().column_indices[0] == -1);
      if (rig.branch->descriptor_size() > 0) CHECK(rig.branch->descriptors(none, Side::left).rows() == 0);
    });
  }
}

TEST_CASE("values that are not finite are reported, never passed on") {
  if (no_device()) return;
  const float bad = GENERATE(std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity);
  const auto decision =
      GENERATE(Decision(DecisionMetric{DecisionMetric::Kind::l2, true}), Decision(two_layer_head(20, 37)));
  const auto model = shared_model(small_spec(20, decision));
  Matrix left = some_descriptors(40, 20, 11, true);
  left.row(33)[7] = bad;
  left.row(35)[0] = bad;
  for_each_backend([&](const BackendRow& on) {
    const auto branch = on.backend()->make_branch(model);
    for (const Side side : {Side::left, Side::right}) {
      try {
        (void)branch->rows(left.view(), side);
        FAIL("not reported");
      } catch (const NotFinite& error) {
        CHECK(error.index() == 33);
        CHECK_THAT(error.what(), Catch::Contains("small") && Catch::Contains("patch 33"));
      }
    }
  });
}

TEST_CASE("scores that overflow are reported with their patches") {
  if (no_device()) return;
  const Matrix plain = some_descriptors(100, 20, 12, false);
  for (const auto kind : {DecisionMetric::Kind::l2, DecisionMetric::Kind::l1}) {
    const auto model = shared_model(small_spec(20, DecisionMetric{kind, false}));
    Matrix left = some_descriptors(100, 20, 12, false);
    Matrix right = some_descriptors(100, 20, 13, false);
    // Only the two together are too far apart for a float.
    const float far = kind == DecisionMetric::Kind::l2 ? 5e37F : 1.2e37F;
    for (float& value : left.row(71)) value = far;
    for (float& value : right.row(5)) value = -far;
    for_each_backend({.instruction_sets = true}, [&](const BackendRow& on) {
      const Rig rig = on.rig(model);
      for (const std::int64_t tile : {1000, 40}) {
        CHECK_THROWS_WITH((void)rig.select(left.view(), right.view(), {.top_k = 1}, tile, tile),
                          Catch::Contains("left patch 71 and right patch 5 is not finite"));
      }
    });
  }
  Model heavy = random_model(small_spec(20, two_layer_head(20, 37)), 3);
  for (float& weight : heavy.weights.at("decision.2.weight").values) weight = 3e38F;
  const auto model = std::make_shared<const Model>(std::move(heavy));
  for_each_backend({.instruction_sets = true}, [&](const BackendRow& on) {
    CHECK_THROWS_AS((void)on.rig(model).select(plain.view(), plain.view(), {.top_k = 1}, 1000, 1000), NotFinite);
  });
}

namespace {

/// The model with one tensor as large as check_activation_bounds permits, to a factor of ten.
std::shared_ptr<const Model> heaviest(const Model& plain, const std::string& weights) {
  std::shared_ptr<const Model> last;
  for (float factor = 1; factor < 2e38F; factor *= 10) {
    Model next = plain;
    for (float& value : next.weights.at(weights).values) value *= factor;
    try {
      check_activation_bounds(next, 1000);
    } catch (const InvalidArgument&) {
      break;
    }
    last = std::make_shared<const Model>(std::move(next));
  }
  return last;
}

}  // namespace

TEST_CASE("activations as large as they may be do not overflow") {
  if (no_device()) return;
  std::vector<NetworkSpec> specs = joining_networks();
  for (const NetworkSpec& spec : tiny_networks()) specs.push_back(spec);
  const std::size_t small = specs.size();
  for (const char* name : {"2ch", "2ch-deep", "siam", "siam-spp-l2", "hard128"}) specs.push_back(network(name));
  for (std::size_t i = 0; i < specs.size(); ++i) {
    const Extent size = specs[i].input.value_or(Extent{53, 47});
    const Model plain = fold_batch_normalisation(random_model(specs[i], 7));
    const Patches left(1, size, 26);
    const Patches right(2, size, 27);
    for (const auto& [name, tensor] : plain.weights) {
      if (!name.ends_with("weight")) continue;
      INFO("network " << specs[i].name << ", weights " << name);
      const auto model = heaviest(plain, name);
      REQUIRE(model != nullptr);
      const auto expected = reference::scores(*model, left.view, right.view);
      const double largest = std::abs(*std::ranges::max_element(expected, {}, [](double x) { return std::abs(x); }));
      for_each_backend({.instruction_sets = true, .exact_convolutions = true}, [&](const BackendRow& on) {
        if (on.simulated && i >= small) return;
        const auto scores = on.rig(model).list(left.view, right.view);
        for (std::size_t pair = 0; pair < scores.size(); ++pair) {
          INFO("pair " << pair << ": " << scores[pair] << ", expected " << expected[pair]);
          CHECK(std::abs(scores[pair] - expected[pair]) <= 1e-3 * largest);
        }
      });
    }
  }
}

TEST_CASE("of many scores that are not finite the first is named, wherever the tiles that met them ended") {
  if (no_device()) return;
  const auto model = shared_model(small_spec(20, DecisionMetric{DecisionMetric::Kind::l2, false}));
  Matrix left = some_descriptors(70, 20, 16, false);
  Matrix right = some_descriptors(60, 20, 17, false);
  for (const std::int64_t row : {59, 31, 69}) {
    for (float& value : left.row(row)) value = 5e37F;
  }
  for (const std::int64_t column : {57, 3, 41}) {
    for (float& value : right.row(column)) value = -5e37F;
  }
  for_each_backend([&](const BackendRow& on) {
    for (const std::int64_t memory : {0, 30'000}) {  // many tiles within one call
      INFO("memory " << memory);
      ExecutionOptions options = on.options;
      options.memory = memory;
      const Rig rig = on.rig(model, options);
      CHECK_THROWS_WITH((void)rig.select(left.view(), right.view(), {.top_k = 1}, 1000, 1000),
                        Catch::Contains("left patch 31 and right patch 3 is not finite"));
      // The next grid knows nothing of it.
      const auto selection = rig.backend->make_selection({.rows = 70, .columns = 60});
      const auto a = rig.branch->rows(left.view(), Side::left);
      const auto b = rig.branch->rows(right.view(), Side::right);
      CHECK_THROWS_AS((rig.scorer->score_tile({a.get(), 0}, {b.get(), 0}, *selection), (void)selection->read()),
                      NotFinite);
      const auto sound = rig.branch->rows(left.view().slice(0, 30), Side::left);
      selection->begin(selection->request());
      rig.scorer->score_tile({sound.get(), 0}, {b.get(), 0}, *selection);
      CHECK_NOTHROW((void)selection->read());
    }
  });
}

TEST_CASE("rows and selections that do not belong are refused") {
  if (no_device()) return;
  const auto model = shared_model(small_spec(20, two_layer_head(20, 37)));
  const Matrix descriptors = some_descriptors(5, 20, 15, false);
  const OtherRows other_rows;
  for_each_backend([&](const BackendRow& on) {
    const Rig rig = on.rig(model);
    const auto left = rig.branch->rows(descriptors.view(), Side::left);
    const auto right = rig.branch->rows(descriptors.view(), Side::right);
    const auto selection = rig.backend->make_selection({.rows = 5, .columns = 5});
    CHECK_THROWS_WITH(rig.scorer->score_tile({right.get(), 0}, {right.get(), 0}, *selection),
                      Catch::Contains("expected left-side rows, got right-side rows"));
    CHECK_THROWS_WITH(rig.scorer->score_tile({left.get(), 1}, {right.get(), 0}, *selection),
                      Catch::Contains("outside the grid"));
    CHECK_THROWS_WITH(rig.scorer->score_tile({&other_rows, 0}, {right.get(), 0}, *selection),
                      Catch::Contains("another backend"));
    OtherSelection other;
    CHECK_THROWS_WITH(rig.scorer->score_tile({left.get(), 0}, {right.get(), 0}, other),
                      Catch::Contains("another backend"));
  });
}

TEST_CASE("rows of 2-channel networks that do not belong are refused") {
  if (no_device()) return;
  const auto model = shared_model(network("2ch"));
  const Patches patch(1, {64, 64}, 93);
  const OtherRows other_rows;
  for_each_backend([&](const BackendRow& on) {
    const Rig rig = on.rig(model);
    const auto left = rig.branch->rows(patch.view, Side::left);
    const auto right = rig.branch->rows(patch.view, Side::right);
    const auto selection = rig.backend->make_selection({.rows = 1, .columns = 1});
    const IndexPair pair{0, 0};
    float score = 0;
    CHECK_THROWS_WITH(rig.scorer->score_tile({left.get(), 0}, {left.get(), 0}, *selection),
                      Catch::Contains("expected right-side rows, got left-side rows"));
    CHECK_THROWS_WITH(rig.scorer->score_list(*right, *right, {&pair, 1}, {&score, 1}),
                      Catch::Contains("expected left-side rows, got right-side rows"));
    CHECK_THROWS_WITH(rig.scorer->score_block(*left, *left, &score, 1), Catch::Contains("expected right-side rows"));
    CHECK_THROWS_WITH(rig.scorer->score_block(other_rows, *right, &score, 1), Catch::Contains("another backend"));
  });
}

TEST_CASE("selections that make no sense are refused") {
  if (no_device()) return;
  for_each_backend([&](const BackendRow& on) {
    const auto backend = on.backend();
    CHECK_THROWS_WITH(backend->make_selection({.rows = 1, .columns = 1, .top_k = 0}), Catch::Contains("top_k"));
    CHECK_THROWS_WITH(backend->make_selection({.rows = std::int64_t{1} << 31, .columns = 1}),
                      Catch::Contains("32 bits"));
    CHECK_THROWS_WITH(backend->make_selection({.rows = 1, .columns = 1, .threshold = std::nanf("")}),
                      Catch::Contains("threshold"));
  });
}

TEST_CASE("what does not fit a network is refused with one line") {
  if (no_device()) return;
  const auto pair = shared_model(network("2ch"));
  const auto tower = shared_model(network("siam"));
  const Patches small(1, {32, 32}, 91);
  const Patches whole(1, {64, 64}, 93);
  const Matrix wrong(1, 17);
  for_each_backend([&](const BackendRow& on) {
    const auto backend = on.backend();
    const auto pair_branch = backend->make_branch(pair);
    const auto tower_branch = backend->make_branch(tower);
    CHECK(pair_branch->descriptor_size() == 0);
    CHECK_THROWS_AS(pair_branch->rows(small.view, Side::left), ShapeError);
    CHECK_THROWS_WITH(tower_branch->descriptors(small.view, Side::left),
                      "network siam takes patches of 64×64, got 32×32");
    CHECK_THROWS_WITH(pair_branch->descriptors(whole.view, Side::left),
                      "network 2ch takes both patches of a pair at once: it has no descriptors");
    CHECK_THROWS_AS(tower_branch->rows(wrong.view(), Side::left), ShapeError);
    CHECK_THROWS_AS(pair_branch->rows(wrong.view(), Side::left), InvalidArgument);

    const auto rows = tower_branch->rows(whole.view, Side::left);
    float score = 0;
    CHECK_THROWS_AS(backend->make_scorer(pair)->score_block(*rows, *rows, &score, 1), InvalidArgument);
  });
}

TEST_CASE("a model without a decision gives descriptors and scores no pairs") {
  if (no_device()) return;
  Model model = random_model(network("siam"), 4);
  std::erase_if(model.weights, [](const auto& entry) { return entry.first.starts_with("decision."); });
  model.descriptor_only = true;
  const auto shared = std::make_shared<const Model>(std::move(model));
  const Patches patch(1, {64, 64}, 93);
  for_each_backend([&](const BackendRow& on) {
    const auto backend = on.backend();
    CHECK_THROWS_WITH(backend->make_scorer(shared), Catch::Contains("pairs cannot be scored"));
    CHECK(backend->make_branch(shared)->descriptors(patch.view, Side::left).columns() == 256);
  });
}

TEST_CASE("a run that is stopped ends") {
  if (no_device()) return;
  const auto model = shared_model(network("siam"));
  const Patches patch(1, {64, 64}, 93);
  std::stop_source stop;
  stop.request_stop();
  for_each_backend([&](const BackendRow& on) {
    const auto branch = on.backend()->make_branch(model);
    CHECK_THROWS_AS(branch->descriptors(patch.view, Side::left, {stop.get_token(), nullptr}), Interrupted);
  });
}

}  // namespace twinpatch::test
