// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "grid/strategies.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "branch/siamese_rows.hpp"
#include "pair_scorer.hpp"
#include "support/backend_rig.hpp"
#include "support/reference.hpp"
#include "support/small_networks.hpp"

namespace twinpatch::test {
namespace {

constexpr const char* kMadeUpNetwork = "made-up";

/// A "kernel": how many values of two rows have the same sign.
float equal_signs(std::span<const float> left, std::span<const float> right) {
  float count = 0;
  for (std::size_t k = 0; k < left.size(); ++k) count += (left[k] < 0) == (right[k] < 0) ? 1.0F : 0.0F;
  return count;
}

/// A strategy of a decision that no engine has.
class EqualSigns final : public cpu::GridStrategy {
 public:
  void select(const cpu::GridTile& tile, cpu::CpuSelection& selection, const RunControl& control) override {
    for (const PlacedRows& part : tile.right) {
      const std::int64_t columns = part.rows->size();
      std::vector<float> scores(static_cast<std::size_t>(tile.left.rows->size() * columns));
      write(*tile.left.rows, *part.rows, {scores.data(), columns}, control);
      cpu::select_scores(selection, {.scores = scores.data(),
                                     .stride = columns,
                                     .first_row = tile.left.first,
                                     .rows = tile.left.rows->size(),
                                     .first_column = part.first,
                                     .columns = columns});
    }
  }

  void write(const Rows& left_rows, const Rows& right_rows, cpu::ScoreMatrix out,
             const RunControl& /*control*/) override {
    const auto& left = cpu::siamese_rows(left_rows, Side::left, kMadeUpNetwork);
    const auto& right = cpu::siamese_rows(right_rows, Side::right, kMadeUpNetwork);
    for (std::int64_t i = 0; i < left.size(); ++i) {
      for (std::int64_t j = 0; j < right.size(); ++j) {
        out.scores[i * out.stride + j] = equal_signs(left.values.row(i), right.values.row(j));
      }
    }
  }
};

/// The table of the engine with a row for the made-up decision on top.
std::vector<cpu::GridStrategyEntry> extended_table() {
  std::vector<cpu::GridStrategyEntry> table{
      {"equal signs",
       [](const Model& model, const cpu::CpuContext& /*context*/) { return model.spec.name == kMadeUpNetwork; },
       [](std::shared_ptr<cpu::CpuContext> /*context*/, std::shared_ptr<const Model> /*model*/)
           -> std::unique_ptr<cpu::GridStrategy> { return std::make_unique<EqualSigns>(); },
       cpu::siamese_tile_size}};
  const auto known = cpu::grid_strategies();
  table.insert(table.end(), known.begin(), known.end());
  return table;
}

std::string chosen(const NetworkSpec& spec, const std::string& screening = "off") {
  ExecutionOptions options = cpu_options(1);
  options.screening = screening;
  return cpu::choose_grid(random_model(spec, 1), cpu::CpuContext(options), cpu::grid_strategies()).decision;
}

}  // namespace

TEST_CASE("a new strategy is its kernel, itself and a row of the table") {
  NetworkSpec spec = small_spec(20, DecisionMetric{});
  const auto context = std::make_shared<cpu::CpuContext>(cpu_options(2));
  const auto table = extended_table();
  const Matrix left = some_descriptors(30, 20, 1, true);
  const Matrix right = some_descriptors(40, 20, 2, true);
  const auto selected = [&] {
    const auto model = shared_model(spec);
    const auto maker = cpu::make_siamese_row_maker(context, model);
    const auto copy = [](const Matrix& from) {
      Matrix to(from.rows(), from.columns());
      std::copy_n(from.data(), from.size(), to.data());
      return to;
    };
    const auto left_rows = maker->rows(copy(left), Side::left);
    const auto right_rows = maker->rows(copy(right), Side::right);
    cpu::CpuSelection selection({.rows = 30, .columns = 40, .top_k = 3, .column_best = true});
    cpu::make_pair_scorer(context, model, table)->score_tile({left_rows.get(), 0}, {right_rows.get(), 0}, selection);
    return selection.read();
  };
  spec.name = kMadeUpNetwork;
  Matrix scores(30, 40);
  for (std::int64_t i = 0; i < 30; ++i) {
    for (std::int64_t j = 0; j < 40; ++j) {
      scores.row(i)[static_cast<std::size_t>(j)] = equal_signs(left.row(i), right.row(j));
    }
  }
  expect_same(selected(),
              reference::select(scores.view(), {.rows = 30, .columns = 40, .top_k = 3, .column_best = true}));
  // Every other network is scored as without the row.
  spec.name = "small";
  const Selected others = selected();
  CHECK(others.scores[0] <= 0);
}

TEST_CASE("grids are scored by the strategy of their kind of decision") {
  const auto relu = Activation{Activation::Kind::relu};
  const auto tanh = Activation{Activation::Kind::tanh};
  CHECK(chosen(small_spec(20, DecisionMetric{})) == "a distance or a cosine");
  CHECK(chosen(small_spec(20, two_layer_head(20, 37))) == "linear - ReLU - linear");
  for (const auto& layers : {std::vector<Layer>{Linear{40, 1}},
                             {Linear{40, 30}, tanh, Linear{30, 1}},
                             {Linear{40, 1}, relu},
                             {Linear{40, 30}, Linear{30, 1}},
                             {Linear{40, 30}, relu, Linear{30, 9}, relu, Linear{9, 1}}}) {
    CHECK(chosen(small_spec(20, DecisionLayers{layers})) == "fully connected layers");
  }
  CHECK(chosen(joining_networks().front()) == "a 2-channel network");
  if (cpu::screen_kernels("auto") != nullptr) {
    CHECK(chosen(small_spec(20, DecisionMetric{}), "auto") == "l2 or a cosine, screened");
    CHECK(chosen(small_spec(20, DecisionMetric{DecisionMetric::Kind::l1, true}), "auto") == "a distance or a cosine");
    CHECK(chosen(small_spec(20, two_layer_head(20, 37)), "auto") == "linear - ReLU - linear, screened");
  }
  const cpu::CpuContext context(cpu_options(1));
  CHECK_THROWS_AS(cpu::choose_grid(random_model(small_spec(20, DecisionMetric{}), 1), context, {}), InvalidArgument);
}

}  // namespace twinpatch::test
