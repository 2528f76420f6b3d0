// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>

#include "grid_support.hpp"
#include "kernels/grid_kernels.hpp"

namespace twinpatch::test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Size {
  std::int64_t left, right;
};

const std::vector<Size> kSizes = {{0, 5}, {5, 0}, {0, 0}, {1, 1}, {1, 257}, {257, 1}, {31, 33}, {33, 31}, {130, 257}};

const std::vector<SelectionRequest> kRequests = {
    {.top_k = 1, .column_best = true},
    {.top_k = 2, .column_best = false},
    {.top_k = 5, .column_best = true, .threshold = -0.9F},
    {.top_k = 40, .column_best = true},
};

/// Selections of every kind and tiling hold what the matrix of scores says, bit for bit.
void expect_selections(const SiameseRig& rig, const Matrix& scores, MatrixView left, MatrixView right) {
  for (SelectionRequest request : kRequests) {
    request.rows = left.rows;
    request.columns = right.rows;
    const Selected expected = reference::select(scores.view(), request);
    expect_same(rig.select(left, right, request, 1000, 1000), expected);
    expect_same(rig.select(left, right, request, 29, 50), expected);
  }
}

}  // namespace

TEST_CASE("a two-layer head scores a grid as the reference does, on every instruction set") {
  const NetworkSpec spec = small_spec(20, two_layer_head(20, 37));
  for_each_target([&] {
    for (const int threads : {1, 3}) {
      const SiameseRig rig(spec, threads);
      for (const Size size : kSizes) {
        const Matrix left = some_descriptors(size.left, 20, 1, false);
        const Matrix right = some_descriptors(size.right, 20, 2, false);
        const Matrix scores = rig.block(left.view(), right.view());
        const auto expected = reference_scores(*rig.model, left.view(), right.view());
        expect_close(scores.span(), expected, tolerance::kScoreFp32);
        expect_close(rig.list(left.view(), right.view()).span(), expected, tolerance::kScoreFp32);
        expect_selections(rig, scores, left.view(), right.view());
      }
    }
  });
}

TEST_CASE("metrics score a grid as the reference does, on every instruction set") {
  const auto kind = GENERATE(DecisionMetric::Kind::l2, DecisionMetric::Kind::l1, DecisionMetric::Kind::cosine);
  const bool normalised = GENERATE(true, false);
  const NetworkSpec spec = small_spec(35, DecisionMetric{kind, normalised});
  for_each_target([&] {
    for (const int threads : {1, 3}) {
      const SiameseRig rig(spec, threads);
      for (const Size size : kSizes) {
        const Matrix left = some_descriptors(size.left, 35, 3, normalised);
        Matrix right = some_descriptors(size.right, 35, 4, normalised);
        // Some columns are rows: distances of 0.
        for (std::int64_t j = 0; j < size.right && size.left > 0; j += 3) {
          std::copy_n(left.row(j % size.left).data(), 35, right.row(j).data());
        }
        const Matrix scores = rig.list(left.view(), right.view());
        if (kind != DecisionMetric::Kind::cosine || normalised) {
          const auto expected = reference_scores(*rig.model, left.view(), right.view());
          expect_close(scores.span(), expected, normalised ? tolerance::kUnitDistanceFp32 : tolerance::kDistanceFp32);
          expect_close(rig.block(left.view(), right.view()).span(), expected,
                       normalised ? tolerance::kUnitDistanceBlockFp32 : tolerance::kDistanceBlockFp32);
        }
        expect_selections(rig, scores, left.view(), right.view());
      }
    }
  });
}

TEST_CASE("distances are the same bits on every instruction set") {
  for (const auto kind : {DecisionMetric::Kind::l2, DecisionMetric::Kind::l1, DecisionMetric::Kind::cosine}) {
    for (const int length : {1, 15, 16, 33, 256}) {
      const Matrix left = some_descriptors(40, length, 18, true);
      const Matrix right = some_descriptors(41, length, 19, true);
      Matrix first;
      for_each_target([&] {
        const SiameseRig rig(small_spec(length, DecisionMetric{kind, true}), 1);
        Matrix scores = rig.list(left.view(), right.view());
        if (first.size() == 0)
          first = std::move(scores);
        else
          CHECK(std::equal(first.span().begin(), first.span().end(), scores.data()));
      });
    }
  }
}

TEST_CASE("distances far from the origin are selected exactly though the fast form has lost them") {
  const NetworkSpec spec = small_spec(64, DecisionMetric{DecisionMetric::Kind::l2, false});
  const SiameseRig rig(spec, 2);
  Matrix left = some_descriptors(70, 64, 5, false);
  Matrix right = some_descriptors(90, 64, 6, false);
  for (float& value : left.span()) value = 300.0F + 0.01F * value;
  for (float& value : right.span()) value = 300.0F + 0.01F * value;
  expect_selections(rig, rig.list(left.view(), right.view()), left.view(), right.view());
}

TEST_CASE("grids wider than what is packed at a time") {
  const auto decision =
      GENERATE(Decision(DecisionMetric{DecisionMetric::Kind::l2, true}), Decision(two_layer_head(256, 512)));
  const NetworkSpec spec = small_spec(256, decision);
  const SiameseRig rig(spec, 2);
  const Matrix left = some_descriptors(70, 256, 7, true);
  const Matrix right = some_descriptors(5000, 256, 8, true);
  const bool metric = std::holds_alternative<DecisionMetric>(decision);
  const Matrix scores = metric ? rig.list(left.view(), right.view()) : rig.block(left.view(), right.view());
  expect_selections(rig, scores, left.view(), right.view());
}

TEST_CASE("heads of any depth") {
  const auto relu = Activation{Activation::Kind::relu};
  const auto tanh = Activation{Activation::Kind::tanh};
  const std::vector<DecisionLayers> heads = {
      {{Linear{40, 1}}},
      {{Linear{40, 1}, tanh}},
      {{Linear{40, 30}, tanh, Linear{30, 1}}},
      {{Linear{40, 30}, Linear{30, 1}}},
      {{Linear{40, 50}, relu, Linear{50, 70}, relu, Linear{70, 1}}},
      {{Linear{40, 50}, relu, Linear{50, 7}, tanh, Linear{7, 1}, relu}},
  };
  for_each_target([&] {
    for (const DecisionLayers& head : heads) {
      const SiameseRig rig(small_spec(20, head), 3);
      for (const Size size : {Size{0, 3}, Size{1, 1}, Size{67, 101}}) {
        const Matrix left = some_descriptors(size.left, 20, 9, false);
        const Matrix right = some_descriptors(size.right, 20, 10, false);
        const Matrix scores = rig.block(left.view(), right.view());
        const auto expected = reference_scores(*rig.model, left.view(), right.view());
        expect_close(scores.span(), expected, tolerance::kScoreFp32);
        expect_close(rig.list(left.view(), right.view()).span(), expected, tolerance::kScoreFp32);
        expect_selections(rig, scores, left.view(), right.view());
      }
    }
  });
}

TEST_CASE("a grid of nothing but ties keeps the lowest indices") {
  const SiameseRig rig(small_spec(8, DecisionMetric{DecisionMetric::Kind::l2, false}), 3);
  Matrix same(150, 8);
  std::fill(same.span().begin(), same.span().end(), 0.25F);
  const Selected kept = rig.select(same.view(), same.view(), {.top_k = 3, .column_best = true}, 64, 100);
  for (std::int64_t i = 0; i < 150; ++i) {
    for (int k = 0; k < 3; ++k) CHECK(kept.indices[i * 3 + k] == k);
    CHECK(kept.column_indices[i] == 0);
  }
}

TEST_CASE("values that are not finite are reported, never passed on") {
  const float bad = GENERATE(std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity);
  const auto decision =
      GENERATE(Decision(DecisionMetric{DecisionMetric::Kind::l2, true}), Decision(two_layer_head(20, 37)));
  const SiameseRig rig(small_spec(20, decision), 2);
  Matrix left = some_descriptors(40, 20, 11, true);
  left.row(33)[7] = bad;
  for (const Side side : {Side::left, Side::right}) {
    try {
      (void)rig.make(left.view(), side);
      FAIL("not reported");
    } catch (const NotFinite& error) {
      CHECK(error.index() == 33);
      CHECK_THAT(error.what(), Catch::Contains("small") && Catch::Contains("patch 33"));
    }
  }
}

TEST_CASE("scores that overflow are reported with their patches") {
  for_each_target([] {
    for (const auto kind : {DecisionMetric::Kind::l2, DecisionMetric::Kind::l1}) {
      const SiameseRig rig(small_spec(20, DecisionMetric{kind, false}), 2);
      Matrix left = some_descriptors(100, 20, 12, false);
      Matrix right = some_descriptors(100, 20, 13, false);
      // Only the two together are too far apart for a float.
      const float far = kind == DecisionMetric::Kind::l2 ? 5e37F : 1.2e37F;
      for (float& value : left.row(71)) value = far;
      for (float& value : right.row(5)) value = -far;
      CHECK_THROWS_WITH((void)rig.select(left.view(), right.view(), {.top_k = 1}, 1000, 1000),
                        Catch::Contains("left patch 71 and right patch 5 is not finite"));
    }
    Model model = random_model(small_spec(20, two_layer_head(20, 37)), 3);
    for (float& weight : model.weights.at("decision.2.weight").values) weight = 3e38F;
    const SiameseRig rig(std::move(model), 2);
    const Matrix left = some_descriptors(70, 20, 14, false);
    CHECK_THROWS_AS((void)rig.select(left.view(), left.view(), {.top_k = 1}, 1000, 1000), NotFinite);
  });
}

TEST_CASE("rows that do not belong are refused") {
  const NetworkSpec spec = small_spec(20, two_layer_head(20, 37));
  const SiameseRig rig(spec, 1);
  const Matrix descriptors = some_descriptors(5, 20, 15, false);
  const auto left = rig.make(descriptors.view(), Side::left);
  const auto right = rig.make(descriptors.view(), Side::right);
  const auto selection = cpu::make_cpu_selection(rig.context, {.rows = 5, .columns = 5});
  CHECK_THROWS_WITH(rig.scorer->score_tile({right.get(), 0}, {right.get(), 0}, *selection),
                    Catch::Contains("right side"));
  CHECK_THROWS_WITH(rig.scorer->score_tile({left.get(), 1}, {right.get(), 0}, *selection),
                    Catch::Contains("outside the grid"));
  CHECK_THROWS_AS((void)rig.make(some_descriptors(5, 19, 16, false).view(), Side::left), ShapeError);

  struct OtherRows final : Rows {
    std::int64_t size() const override { return 5; }
    std::int64_t bytes() const override { return 0; }
    Side side() const override { return Side::left; }
  };
  const OtherRows foreign;
  CHECK_THROWS_WITH(rig.scorer->score_tile({&foreign, 0}, {right.get(), 0}, *selection),
                    Catch::Contains("another backend"));
  struct OtherSelection final : Selection {
    const SelectionRequest& request() const override { return its_request; }
    void begin(const SelectionRequest& /*request*/) override {}
    Selected read() const override { return {}; }
    SelectionRequest its_request;
  } other;
  CHECK_THROWS_WITH(rig.scorer->score_tile({left.get(), 0}, {right.get(), 0}, other),
                    Catch::Contains("another backend"));

  Model descriptors_only = random_model(spec, 4);
  std::erase_if(descriptors_only.weights, [](const auto& entry) { return entry.first.starts_with("decision."); });
  descriptors_only.descriptor_only = true;
  CHECK_THROWS_WITH(cpu::make_siamese_scorer(rig.context, std::make_shared<const Model>(descriptors_only)),
                    Catch::Contains("pairs cannot be scored"));
}

TEST_CASE("scores in memory go into a selection") {
  const auto context = std::make_shared<cpu::CpuContext>(SiameseRig::options(1));
  Random random(17);
  Matrix scores(100, 70);
  for (float& score : scores.span()) score = static_cast<float>(random.below(50));  // many ties
  for (SelectionRequest request : kRequests) {
    request.rows = 100;
    request.columns = 70;
    const auto selection = cpu::make_cpu_selection(context, request);
    for (const std::int64_t column : {40, 0}) {
      for (const std::int64_t row : {0, 77}) {
        cpu::select_scores(*selection, row, column, scores.data() + row * 70 + column, row == 0 ? 77 : 23,
                           column == 0 ? 40 : 30, 70);
      }
    }
    expect_same(selection->read(), reference::select(scores.view(), request));
  }
  const auto selection = cpu::make_cpu_selection(context, {.rows = 100, .columns = 70});
  scores.row(9)[3] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH(cpu::select_scores(*selection, 0, 0, scores.data(), 100, 70, 70),
                    Catch::Contains("left patch 9 and right patch 3"));
  CHECK_THROWS_AS(cpu::select_scores(*selection, 0, 1, scores.data(), 100, 70, 70), InvalidArgument);
}

TEST_CASE("selections that make no sense are refused") {
  const auto context = std::make_shared<cpu::CpuContext>(SiameseRig::options(1));
  CHECK_THROWS_WITH(cpu::make_cpu_selection(context, {.rows = 1, .columns = 1, .top_k = 0}), Catch::Contains("top_k"));
  CHECK_THROWS_WITH(cpu::make_cpu_selection(context, {.rows = std::int64_t{1} << 31, .columns = 1}),
                    Catch::Contains("32 bits"));
  CHECK_THROWS_WITH(cpu::make_cpu_selection(context, {.rows = 1, .columns = 1, .threshold = std::nanf("")}),
                    Catch::Contains("threshold"));
}

}  // namespace twinpatch::test
