// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "backend_table.hpp"

// Every left row against every right row: scores, and what selections keep of them.

namespace twinpatch::test {
namespace {

struct Size {
  std::int64_t left, right;
};

const std::vector<Size> kSizes = {{0, 5}, {5, 0}, {0, 0}, {1, 1}, {1, 257}, {257, 1}, {33, 31}, {37, 70}, {130, 257}};
constexpr std::int64_t kMostSimulated = 37 * 70;

/// Everything on every row would take minutes: the other precisions are tried on one size.
RowChoice rows_for(Size size) { return {.precisions = size.left == 37, .instruction_sets = true}; }

const std::vector<SelectionRequest> kRequests = {
    {.top_k = 1, .column_best = true},
    {.top_k = 5, .column_best = true, .threshold = -0.9F},
    {.top_k = 40, .column_best = false},
};

MatrixView matrix(const std::vector<float>& values, Size size) { return {values.data(), size.left, size.right}; }

/// Selections of every kind and tiling hold what the matrix of scores says, bit for bit.
void expect_selections(const Rig& rig, MatrixView scores, MatrixView left, MatrixView right) {
  for (SelectionRequest request : kRequests) {
    request.rows = left.rows;
    request.columns = right.rows;
    INFO("top " << request.top_k);
    const Selected expected = reference::select(scores, request);
    expect_same(rig.select(left, right, request, 1000, 1000), expected);
    expect_same(rig.select(left, right, request, 29, 50), expected);
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

}  // namespace

TEST_CASE("a two-layer head scores a grid as the reference does") {
  if (no_device()) return;
  const auto model = shared_model(small_spec(20, two_layer_head(20, 37)), 7);
  for (const Size size : kSizes) {
    INFO("grid " << size.left << " × " << size.right);
    const Matrix left = some_descriptors(size.left, 20, 1, false);
    const Matrix right = some_descriptors(size.right, 20, 2, false);
    const auto expected = reference_scores(*model, left.view(), right.view());
    for_each_backend(rows_for(size), [&](const BackendRow& on) {
      if (on.simulated && size.left * size.right > kMostSimulated) return;
      const Rig rig = on.rig(model);
      const auto scores = rig.block(left.view(), right.view());
      expect_close(scores, expected, on.score_limit());
      expect_close(rig.list(left.view(), right.view()), expected, on.score_limit());
      expect_selections(rig, matrix(scores, size), left.view(), right.view());
    });
  }
}

TEST_CASE("metrics score a grid as the reference does, and select what lists score, bit for bit") {
  if (no_device()) return;
  using Kind = DecisionMetric::Kind;
  const auto kind = GENERATE(Kind::l2, Kind::l1, Kind::cosine);
  const bool normalised = GENERATE(true, false);
  const auto model = shared_model(small_spec(35, DecisionMetric{kind, normalised}), 7);
  for (const Size size : kSizes) {
    INFO("grid " << size.left << " × " << size.right);
    const Matrix left = some_descriptors(size.left, 35, 3, normalised);
    Matrix right = some_descriptors(size.right, 35, 4, normalised);
    for (std::int64_t j = 0; j < size.right && size.left > 0; j += 3) {  // some columns are rows: distances of 0
      std::copy_n(left.row(j % size.left).data(), 35, right.row(j).data());
    }
    const auto expected = reference_scores(*model, left.view(), right.view());
    for_each_backend(rows_for(size), [&](const BackendRow& on) {
      if (on.simulated && size.left * size.right > kMostSimulated) return;
      const Rig rig = on.rig(model);
      const auto scores = rig.list(left.view(), right.view());
      if (kind != Kind::cosine || normalised) {  // cosines of others are near 0: relative limits say nothing
        expect_close(scores, expected, normalised ? tolerance::kUnitDistanceFp32 : tolerance::kDistanceFp32);
        expect_close(rig.block(left.view(), right.view()), expected,
                     normalised ? tolerance::kUnitDistanceBlockFp32 : tolerance::kDistanceBlockFp32);
      }
      expect_selections(rig, matrix(scores, size), left.view(), right.view());
    });
  }
}

TEST_CASE("distances far from the origin are selected exactly though the product has lost them") {
  if (no_device()) return;
  const float offset = GENERATE(300.0F, 70000.0F);  // the second is beyond what fp16 holds
  const auto model = shared_model(small_spec(16, DecisionMetric{DecisionMetric::Kind::l2, false}));
  const Size size{20, 35};
  Matrix left = some_descriptors(size.left, 16, 5, false);
  Matrix right = some_descriptors(size.right, 16, 6, false);
  for (float& value : left.span()) value = offset * (1 + 1e-4F * value);
  for (float& value : right.span()) value = offset * (1 + 1e-4F * value);
  for_each_backend({.precisions = true}, [&](const BackendRow& on) {
    const Rig rig = on.rig(model);
    const auto scores = rig.list(left.view(), right.view());
    expect_selections(rig, matrix(scores, size), left.view(), right.view());
  });
}

TEST_CASE("grids wider than what is packed at a time") {
  if (no_device()) return;
  const auto decision =
      GENERATE(Decision(DecisionMetric{DecisionMetric::Kind::l2, true}), Decision(two_layer_head(256, 512)));
  const bool metric = std::holds_alternative<DecisionMetric>(decision);
  const auto model = shared_model(small_spec(256, decision));
  const Size size{70, 5000};
  const Matrix left = some_descriptors(size.left, 256, 7, true);
  const Matrix right = some_descriptors(size.right, 256, 8, true);
  for_each_backend([&](const BackendRow& on) {
    if (on.simulated) return;  // minutes
    const Rig rig = on.rig(model);
    const auto scores = metric ? rig.list(left.view(), right.view()) : rig.block(left.view(), right.view());
    expect_selections(rig, matrix(scores, size), left.view(), right.view());
  });
}

TEST_CASE("heads of any depth score a grid as the reference does") {
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
    const auto model = shared_model(small_spec(20, head), 7);
    for (const Size size : {Size{0, 3}, {1, 1}, {13, 41}, {67, 101}}) {
      INFO("grid " << size.left << " × " << size.right);
      const Matrix left = some_descriptors(size.left, 20, 9, false);
      const Matrix right = some_descriptors(size.right, 20, 10, false);
      const auto expected = reference_scores(*model, left.view(), right.view());
      const RowChoice choice{.precisions = size.left == 13, .instruction_sets = true};
      for_each_backend(choice, [&](const BackendRow& on) {
        if (on.simulated && size.left * size.right > kMostSimulated) return;
        const Rig rig = on.rig(model);
        const auto scores = rig.block(left.view(), right.view());
        expect_close(scores, expected, on.score_limit());
        expect_close(rig.list(left.view(), right.view()), expected, on.score_limit());
        expect_selections(rig, matrix(scores, size), left.view(), right.view());
      });
    }
  }
}

TEST_CASE("a grid of nothing but ties keeps the lowest indices") {
  if (no_device()) return;
  const auto model = shared_model(small_spec(8, DecisionMetric{DecisionMetric::Kind::l2, false}));
  Matrix same(110, 8);
  std::fill(same.span().begin(), same.span().end(), 0.25F);
  for_each_backend([&](const BackendRow& on) {
    const Selected kept = on.rig(model).select(same.view(), same.view(), {.top_k = 3, .column_best = true}, 64, 70);
    for (std::int64_t i = 0; i < 110; ++i) {
      for (int k = 0; k < 3; ++k) CHECK(kept.indices[i * 3 + k] == k);
      CHECK(kept.column_indices[i] == 0);
    }
  });
}

TEST_CASE("a small bound on memory changes nothing but the tiles") {
  if (no_device()) return;
  const auto decision =
      GENERATE(Decision(DecisionMetric{DecisionMetric::Kind::l2, true}), Decision(two_layer_head(20, 37)),
               Decision(DecisionLayers{{Linear{40, 9}, Linear{9, 1}}}));
  const auto model = shared_model(small_spec(20, decision));
  const Matrix left = some_descriptors(70, 20, 11, true);
  const Matrix right = some_descriptors(90, 20, 12, true);
  for_each_backend([&](const BackendRow& on) {
    const Rig roomy = on.rig(model);
    ExecutionOptions options = on.options;
    options.memory = 70'000;
    const Rig tight = on.rig(model, options);
    for (const SelectionRequest& request : kRequests) {
      expect_same(tight.select(left.view(), right.view(), request, 40, 50),
                  roomy.select(left.view(), right.view(), request, 1000, 1000));
    }
    CHECK(tight.block(left.view(), right.view()) == roomy.block(left.view(), right.view()));
    CHECK(tight.list(left.view(), right.view()) == roomy.list(left.view(), right.view()));
  });
}

}  // namespace twinpatch::test
