// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "cuda_support.hpp"
#include "support/small_networks.hpp"

using namespace twinpatch;
using namespace twinpatch::test;
namespace tolerance = test::tolerance;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Size {
  std::int64_t left, right;
};

const std::vector<SelectionRequest> kRequests = {
    {.top_k = 1, .column_best = true},
    {.top_k = 5, .column_best = true, .threshold = -0.9F},
    {.top_k = 40, .column_best = false},
};

/// What is kept of left × right, in tiles of the given size, last tiles first.
Selected select(const Rig& rig, MatrixView left, MatrixView right, SelectionRequest request, std::int64_t tile_rows,
                std::int64_t tile_columns) {
  request.rows = left.rows;
  request.columns = right.rows;
  const auto selection = rig.backend->make_selection(request);
  for (std::int64_t row = (left.rows - 1) / tile_rows * tile_rows; row >= 0 && left.rows > 0; row -= tile_rows) {
    const auto a = rig.branch->rows(left.slice(row, std::min(tile_rows, left.rows - row)), Side::left);
    for (std::int64_t column = (right.rows - 1) / tile_columns * tile_columns; column >= 0 && right.rows > 0;
         column -= tile_columns) {
      const auto b = rig.branch->rows(right.slice(column, std::min(tile_columns, right.rows - column)), Side::right);
      rig.scorer->score_tile({a.get(), row}, {b.get(), column}, *selection);
    }
  }
  return selection->read();
}

/// Selections of every kind and tiling hold what the matrix of scores says, bit for bit.
void expect_selections(const Rig& rig, MatrixView scores, MatrixView left, MatrixView right) {
  for (SelectionRequest request : kRequests) {
    request.rows = left.rows;
    request.columns = right.rows;
    const Selected expected = reference::select(scores, request);
    expect_same(select(rig, left, right, request, 1000, 1000), expected);
    expect_same(select(rig, left, right, request, 29, 50), expected);
  }
}

std::vector<double> reference_scores(const Model& model, MatrixView left, MatrixView right) {
  std::vector<double> result;
  const auto vector = [](std::span<const float> row) { return reference::Vector(row.begin(), row.end()); };
  for (std::int64_t i = 0; i < left.rows; ++i) {
    for (std::int64_t j = 0; j < right.rows; ++j) {
      result.push_back(reference::decide(model, vector(left.row(i)), vector(right.row(j))));
    }
  }
  return result;
}

MatrixView matrix(const std::vector<float>& values, std::int64_t rows, std::int64_t columns) {
  return {values.data(), rows, columns};
}

}  // namespace

TEST_CASE("a two-layer head scores a grid on the device as the reference does") {
  if (no_device()) return;
  const NetworkSpec spec = small_spec(20, two_layer_head(20, 37));
  const Rig rig = cuda_rig(shared_model(spec, 7));
  for (const Size size : {Size{0, 5}, {5, 0}, {1, 1}, {1, 257}, {131, 1}, {31, 33}, {130, 140}}) {
    INFO("grid " << size.left << " × " << size.right);
    const Matrix left = some_descriptors(size.left, 20, 1, false);
    const Matrix right = some_descriptors(size.right, 20, 2, false);
    const auto scores = rig.block(left.view(), right.view());
    const auto expected = reference_scores(*rig.model, left.view(), right.view());
    expect_close(scores, expected, tolerance::kScoreFp32);
    expect_close(rig.list(left.view(), right.view()), expected, tolerance::kScoreFp32);
    expect_selections(rig, matrix(scores, size.left, size.right), left.view(), right.view());
  }
}

TEST_CASE("metrics score a grid on the device as the reference does, and select what lists score, bit for bit") {
  if (no_device()) return;
  using Kind = DecisionMetric::Kind;
  struct Case {
    Kind kind;
    bool normalised;
    Precision precision;
  };
  const auto [kind, normalised, precision] =
      GENERATE(Case{Kind::l2, true, Precision::fp32}, Case{Kind::l2, true, Precision::tf32},
               Case{Kind::l2, true, Precision::fp16}, Case{Kind::l2, false, Precision::bf16},
               Case{Kind::l2, false, Precision::fp32}, Case{Kind::l1, false, Precision::fp32},
               Case{Kind::l1, true, Precision::fp16}, Case{Kind::cosine, true, Precision::bf16},
               Case{Kind::cosine, true, Precision::fp32});
  const NetworkSpec spec = small_spec(35, DecisionMetric{kind, normalised});
  const Rig rig = cuda_rig(shared_model(spec, 7), cuda_options(precision));
  for (const Size size : {Size{1, 33}, {37, 70}}) {
    INFO("grid " << size.left << " × " << size.right << " in " << to_string(precision));
    const Matrix left = some_descriptors(size.left, 35, 3, normalised);
    Matrix right = some_descriptors(size.right, 35, 4, normalised);
    for (std::int64_t j = 0; j < size.right; j += 3) {  // some columns are rows: distances of 0
      std::copy_n(left.row(j % size.left).data(), 35, right.row(j).data());
    }
    const auto scores = rig.list(left.view(), right.view());
    const auto expected = reference_scores(*rig.model, left.view(), right.view());
    expect_close(scores, expected, normalised ? tolerance::kUnitDistanceFp32 : tolerance::kDistanceFp32);
    expect_close(rig.block(left.view(), right.view()), expected,
                 normalised ? tolerance::kUnitDistanceBlockFp32 : tolerance::kDistanceBlockFp32);
    expect_selections(rig, matrix(scores, size.left, size.right), left.view(), right.view());
  }
}

TEST_CASE("the device selects distances far from the origin exactly though the product has lost them") {
  if (no_device()) return;
  const auto precision = GENERATE(Precision::fp32, Precision::fp16);
  const float offset = GENERATE(300.0F, 70000.0F);  // the second is beyond what fp16 holds
  const NetworkSpec spec = small_spec(16, DecisionMetric{DecisionMetric::Kind::l2, false});
  const Rig rig = cuda_rig(shared_model(spec), cuda_options(precision));
  Matrix left = some_descriptors(20, 16, 5, false);
  Matrix right = some_descriptors(35, 16, 6, false);
  for (float& value : left.span()) value = offset * (1 + 1e-4F * value);
  for (float& value : right.span()) value = offset * (1 + 1e-4F * value);
  const auto scores = rig.list(left.view(), right.view());
  expect_selections(rig, matrix(scores, 20, 35), left.view(), right.view());
}

TEST_CASE("heads of any depth run on the device") {
  if (no_device()) return;
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
  for (const DecisionLayers& head : heads) {
    INFO("head of " << head.layers.size() << " layers");
    const Rig rig = cuda_rig(shared_model(small_spec(20, head), 7));
    for (const Size size : {Size{0, 3}, Size{1, 1}, Size{13, 41}}) {
      const Matrix left = some_descriptors(size.left, 20, 9, false);
      const Matrix right = some_descriptors(size.right, 20, 10, false);
      const auto scores = rig.block(left.view(), right.view());
      const auto expected = reference_scores(*rig.model, left.view(), right.view());
      expect_close(scores, expected, tolerance::kScoreFp32);
      expect_close(rig.list(left.view(), right.view()), expected, tolerance::kScoreFp32);
      expect_selections(rig, matrix(scores, size.left, size.right), left.view(), right.view());
    }
  }
}

TEST_CASE("a grid of nothing but ties keeps the lowest indices on the device") {
  if (no_device()) return;
  const Rig rig = cuda_rig(shared_model(small_spec(8, DecisionMetric{DecisionMetric::Kind::l2, false})));
  Matrix same(100, 8);
  std::fill(same.span().begin(), same.span().end(), 0.25F);
  const Selected kept = select(rig, same.view(), same.view(), {.top_k = 3, .column_best = true}, 64, 70);
  for (std::int64_t i = 0; i < 100; ++i) {
    for (int k = 0; k < 3; ++k) CHECK(kept.indices[i * 3 + k] == k);
    CHECK(kept.column_indices[i] == 0);
  }
}

TEST_CASE("a small bound on memory changes nothing but the tiles") {
  if (no_device()) return;
  const auto decision =
      GENERATE(Decision(DecisionMetric{DecisionMetric::Kind::l2, true}), Decision(two_layer_head(20, 37)),
               Decision(DecisionLayers{{Linear{40, 9}, Linear{9, 1}}}));
  const auto model = shared_model(small_spec(20, decision));
  const Matrix left = some_descriptors(70, 20, 11, true);
  const Matrix right = some_descriptors(90, 20, 12, true);
  ExecutionOptions options = cuda_options();
  const Rig roomy = cuda_rig(model, options);
  options.memory = 70'000;
  const Rig tight = cuda_rig(model, options);
  for (const SelectionRequest& request : kRequests) {
    expect_same(select(tight, left.view(), right.view(), request, 40, 50),
                select(roomy, left.view(), right.view(), request, 1000, 1000));
  }
  CHECK(tight.block(left.view(), right.view()) == roomy.block(left.view(), right.view()));
  CHECK(tight.list(left.view(), right.view()) == roomy.list(left.view(), right.view()));
}

TEST_CASE("values that are not finite are reported by the device, never passed on") {
  if (no_device()) return;
  const float bad = GENERATE(std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity);
  const auto decision =
      GENERATE(Decision(DecisionMetric{DecisionMetric::Kind::l2, true}), Decision(two_layer_head(20, 37)));
  const Rig rig = cuda_rig(shared_model(small_spec(20, decision)));
  Matrix left = some_descriptors(40, 20, 11, true);
  left.row(33)[7] = bad;
  left.row(35)[0] = bad;
  for (const Side side : {Side::left, Side::right}) {
    try {
      (void)rig.branch->rows(left.view(), side);
      FAIL("not reported");
    } catch (const NotFinite& error) {
      CHECK(error.index() == 33);
      CHECK_THAT(error.what(), Catch::Contains("small") && Catch::Contains("patch 33"));
    }
  }
}

TEST_CASE("scores that overflow on the device are reported with their patches") {
  if (no_device()) return;
  for (const auto kind : {DecisionMetric::Kind::l2, DecisionMetric::Kind::l1}) {
    const Rig rig = cuda_rig(shared_model(small_spec(20, DecisionMetric{kind, false})));
    Matrix left = some_descriptors(80, 20, 12, false);
    Matrix right = some_descriptors(90, 20, 13, false);
    // Only the two together are too far apart for a float.
    const float far = kind == DecisionMetric::Kind::l2 ? 5e37F : 1.2e37F;
    for (float& value : left.row(71)) value = far;
    for (float& value : right.row(5)) value = -far;
    CHECK_THROWS_WITH((void)select(rig, left.view(), right.view(), {.top_k = 1}, 1000, 1000),
                      Catch::Contains("left patch 71 and right patch 5 is not finite"));
    CHECK_THROWS_WITH((void)select(rig, left.view(), right.view(), {.top_k = 1}, 30, 40),
                      Catch::Contains("left patch 71 and right patch 5 is not finite"));
  }
  Model model = random_model(small_spec(20, two_layer_head(20, 37)), 3);
  for (float& weight : model.weights.at("decision.2.weight").values) weight = 3e38F;
  const Rig rig = cuda_rig(std::make_shared<const Model>(std::move(model)));
  const Matrix left = some_descriptors(70, 20, 14, false);
  CHECK_THROWS_AS((void)select(rig, left.view(), left.view(), {.top_k = 1}, 1000, 1000), NotFinite);
}

TEST_CASE("of many scores that are not finite the first is named, wherever the tiles that met them ended") {
  if (no_device()) return;
  const bool tight = GENERATE(false, true);
  ExecutionOptions options = cuda_options();
  if (tight) options.memory = 30'000;  // many tiles within one call
  const Rig rig = cuda_rig(shared_model(small_spec(20, DecisionMetric{DecisionMetric::Kind::l2, false})), options);
  Matrix left = some_descriptors(70, 20, 16, false);
  Matrix right = some_descriptors(60, 20, 17, false);
  for (const std::int64_t row : {59, 31, 69}) {
    for (float& value : left.row(row)) value = 5e37F;
  }
  for (const std::int64_t column : {57, 3, 41}) {
    for (float& value : right.row(column)) value = -5e37F;
  }
  CHECK_THROWS_WITH((void)select(rig, left.view(), right.view(), {.top_k = 1}, 1000, 1000),
                    Catch::Contains("left patch 31 and right patch 3 is not finite"));
  // What the device has met is not told of the next grid.
  const auto selection = rig.backend->make_selection({.rows = 70, .columns = 60});
  const auto a = rig.branch->rows(left.view(), Side::left);
  const auto b = rig.branch->rows(right.view(), Side::right);
  rig.scorer->score_tile({a.get(), 0}, {b.get(), 0}, *selection);
  CHECK_THROWS_AS(selection->read(), NotFinite);
  const auto sound = rig.branch->rows(left.view().slice(0, 30), Side::left);
  selection->begin(selection->request());
  rig.scorer->score_tile({sound.get(), 0}, {b.get(), 0}, *selection);
  (void)selection->read();
}

TEST_CASE("rows that do not belong are refused by the device") {
  if (no_device()) return;
  const Rig rig = cuda_rig(shared_model(small_spec(20, two_layer_head(20, 37))));
  const Rig other = cpu_rig(rig.model);
  const Matrix descriptors = some_descriptors(5, 20, 15, false);
  const auto left = rig.branch->rows(descriptors.view(), Side::left);
  const auto right = rig.branch->rows(descriptors.view(), Side::right);
  const auto selection = rig.backend->make_selection({.rows = 5, .columns = 5});
  CHECK_THROWS_WITH(rig.scorer->score_tile({right.get(), 0}, {right.get(), 0}, *selection),
                    Catch::Contains("right side"));
  CHECK_THROWS_WITH(rig.scorer->score_tile({left.get(), 1}, {right.get(), 0}, *selection),
                    Catch::Contains("outside the grid"));
  const auto foreign = other.branch->rows(descriptors.view(), Side::left);
  CHECK_THROWS_WITH(rig.scorer->score_tile({foreign.get(), 0}, {right.get(), 0}, *selection),
                    Catch::Contains("another backend"));
  const auto foreign_selection = other.backend->make_selection({.rows = 5, .columns = 5});
  CHECK_THROWS_WITH(rig.scorer->score_tile({left.get(), 0}, {right.get(), 0}, *foreign_selection),
                    Catch::Contains("another backend"));
  CHECK_THROWS_AS(rig.backend->make_selection({.rows = 5, .columns = 5, .top_k = 0}), InvalidArgument);
  CHECK_THROWS_AS(rig.backend->make_selection({.rows = std::int64_t{1} << 32, .columns = 5}), InvalidArgument);
}
