// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "grid/strategies.hpp"
#include "cuda_support.hpp"
#include "made_up_grid.hpp"
#include "scorer.hpp"
#include "support/small_networks.hpp"

// A new way to score grids is a kernel, a strategy and a row of the table: here are all three, and no other file knows
// of them.

using namespace twinpatch;
using namespace twinpatch::test;
using cuda::GridDecision;
using cuda::GridStrategyRow;

namespace {

class MadeUpGrid final : public cuda::GridStrategy {
 public:
  explicit MadeUpGrid(cuda::ScorerParts& parts) : parts_(parts) {}
  void select(PlacedRows left, std::span<const PlacedRows> right, cuda::DeviceSelection& selection,
              const RunControl& /*control*/) override {
    for (const PlacedRows& part : right) {
      select_first_values(parts_.device->stream(), block(*left.rows).rows, block(*part.rows).rows, parts_.length,
                          selection.keys(part.first, part.rows->size()));
    }
  }
  void write(const Rows& /*left*/, const Rows& /*right*/, cuda::ScoreMatrix /*out*/,
             const RunControl& /*control*/) override {
    FAIL("nobody asked for a matrix");
  }

 private:
  static cuda::RowBlock block(const Rows& rows) { return static_cast<const cuda::SiameseRows&>(rows).block(); }
  cuda::ScorerParts& parts_;
};

std::unique_ptr<cuda::GridStrategy> make_made_up_grid(cuda::ScorerParts& parts) {
  return std::make_unique<MadeUpGrid>(parts);
}

constexpr Precision kHalf[] = {Precision::fp16};
constexpr Precision kSingle[] = {Precision::fp32};

std::vector<GridStrategyRow> table_with(std::span<const Precision> precisions, int architecture) {
  const auto table = cuda::grid_strategies();
  std::vector<GridStrategyRow> rows(table.begin(), table.end());
  rows.insert(rows.begin(),
              {"made up", GridDecision::metric, precisions, architecture, Kernels::fused, &make_made_up_grid});
  return rows;
}

}  // namespace

TEST_CASE("a made-up strategy needs a kernel, a class and a row of the table") {
  if (no_device()) return;
  ExecutionOptions options = cuda_options();
  options.kernels = Kernels::fused;
  const auto device = std::make_shared<cuda::Device>(0, options, 1);
  const auto model = shared_model(small_spec(20, DecisionMetric{DecisionMetric::Kind::l2, false}));
  const auto scorer = cuda::make_device_scorer(device, model, table_with(kSingle, 80));
  const auto branch = cuda::make_siamese_branch(device, model);
  const Matrix left = some_descriptors(33, 20, 1, false);
  const Matrix right = some_descriptors(70, 20, 2, false);
  Matrix scores(33, 70);
  for (std::int64_t i = 0; i < 33; ++i) {
    for (std::int64_t j = 0; j < 70; ++j) {
      scores.row(i)[static_cast<std::size_t>(j)] = -std::abs(left.row(i)[0] - right.row(j)[0]);
    }
  }
  const SelectionRequest request{.rows = 33, .columns = 70, .segments = {0, 11, 11, 64}};
  cuda::DeviceSelection selection(device, request);
  const auto a = branch->rows(left.view(), Side::left);
  const auto b = branch->rows(right.view(), Side::right);
  scorer->score_tile({a.get(), 0}, PlacedRows{b.get(), 0}, selection);
  expect_same(selection.read(), reference::select(scores.view(), request));
}

TEST_CASE("strategies are chosen by decision, precision, architecture and the kernels asked for") {
  const auto table = table_with(kHalf, 90);
  const auto chosen = [&](GridDecision decision, Precision precision, int architecture, Kernels kernels) {
    return std::string(cuda::choose_grid_strategy(table, {decision, precision, architecture, kernels}).name);
  };
  CHECK(chosen(GridDecision::metric, Precision::fp16, 80, Kernels::fused) == "fused metric");
  CHECK(chosen(GridDecision::metric, Precision::fp16, 90, Kernels::fused) == "made up");
  CHECK(chosen(GridDecision::metric, Precision::bf16, 100, Kernels::fused) == "fused metric");
  CHECK(chosen(GridDecision::metric, Precision::fp16, 90, Kernels::automatic) == "metric");  // not measured
  CHECK(chosen(GridDecision::metric, Precision::bf16, 80, Kernels::library) == "metric");
  CHECK(chosen(GridDecision::head, Precision::fp32, 90, Kernels::library) == "head");
  CHECK(chosen(GridDecision::deep_head, Precision::tf32, 90, Kernels::library) == "deep head");
  CHECK(chosen(GridDecision::two_channel, Precision::fp32, 90, Kernels::library) == "2-channel");
  CHECK(chosen(GridDecision::two_channel, Precision::fp16, 90, Kernels::fused) == "2-channel");
  CHECK(chosen(GridDecision::metric, Precision::fp32, 90, Kernels::fused) == "fused metric");
  CHECK_THROWS_AS(chosen(GridDecision::metric, Precision::fp16, 75, Kernels::fused), DeviceError);
  CHECK(chosen(GridDecision::sum_metric, Precision::tf32, 90, Kernels::fused) == "fused sum metric");
  CHECK(chosen(GridDecision::head, Precision::fp16, 90, Kernels::fused) == "fused head");
  CHECK(chosen(GridDecision::deep_head, Precision::fp16, 90, Kernels::fused) == "deep head");
}

TEST_CASE("kernels that a card has measured faster are taken on such a card, others are not") {
  const std::vector<cuda::MeasuredKernel> measured = {
      {90, "fused metric", Precision::fp16, 8e11, 4e11, "a made-up card"},
      {90, "fused metric", Precision::bf16, 3e11, 4e11, "a made-up card"},
  };
  const auto chosen = [&](Precision precision, int architecture, Kernels kernels) {
    return std::string(cuda::choose_grid_strategy(cuda::grid_strategies(),
                                                  {GridDecision::metric, precision, architecture, kernels, measured})
                           .name);
  };
  CHECK(chosen(Precision::fp16, 90, Kernels::automatic) == "fused metric");
  CHECK(chosen(Precision::fp16, 90, Kernels::library) == "metric");
  CHECK(chosen(Precision::bf16, 90, Kernels::automatic) == "metric");
  CHECK(chosen(Precision::bf16, 90, Kernels::fused) == "fused metric");
  CHECK(chosen(Precision::fp16, 100, Kernels::automatic) == "metric");
  CHECK(chosen(Precision::fp32, 90, Kernels::automatic) == "metric");
}

TEST_CASE("the table of measured kernels names strategies that there are, and where its rates are from") {
  for (const cuda::MeasuredKernel& row : cuda::measured_kernels()) {
    const auto table = cuda::grid_strategies();
    const bool is_grid = std::any_of(table.begin(), table.end(), [&](const GridStrategyRow& strategy) {
      return strategy.name == row.name && strategy.kernels == Kernels::fused;
    });
    CHECK((is_grid || row.name == "fused stem" || row.name == "cut"));
    CHECK(row.rate > 0);
    CHECK(row.library_rate > 0);
    CHECK_FALSE(row.source.empty());
  }
}

TEST_CASE("a grid's kind of decision is read off the network") {
  const Activation relu{Activation::Kind::relu};
  const Activation tanh{Activation::Kind::tanh};
  const auto kind = [](Decision decision) { return cuda::grid_decision(small_spec(20, std::move(decision))); };
  CHECK(kind(DecisionMetric{DecisionMetric::Kind::l1, true}) == GridDecision::sum_metric);
  CHECK(kind(DecisionMetric{DecisionMetric::Kind::l2, true}) == GridDecision::metric);
  CHECK(kind(DecisionMetric{DecisionMetric::Kind::cosine, true}) == GridDecision::metric);
  CHECK(kind(two_layer_head(20, 7)) == GridDecision::head);
  CHECK(kind(DecisionLayers{{Linear{40, 1}}}) == GridDecision::head);
  CHECK(kind(DecisionLayers{{Linear{40, 1}, tanh}}) == GridDecision::deep_head);
  CHECK(kind(DecisionLayers{{Linear{40, 7}, tanh, Linear{7, 1}}}) == GridDecision::deep_head);
  CHECK(kind(DecisionLayers{{Linear{40, 7}, relu, Linear{7, 5}, relu, Linear{5, 1}}}) == GridDecision::deep_head);
}
