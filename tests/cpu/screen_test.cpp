// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "grid/screen.hpp"

#include <cmath>

#include "screen_sums.hpp"
#include "screen_support.hpp"
#include "twinpatch/net/decision_head.hpp"

// What screens promise: exact sums, and bounds on every score.

namespace twinpatch::test {
namespace {

using cpu::ScreenKernels;

/// Left and right rows of a model, made as the engine makes them.
struct RowsOf {
  RowsOf(const NetworkSpec& spec, const HardRows& kind, std::int64_t rows, std::int64_t columns)
      : model(shared_model(spec)),
        branch(make_cpu_backend(screened_with("off"))->make_branch(model)),
        a(kind.make(rows, static_cast<int>(branch->descriptor_size()), 5)),
        b(kind.make(columns, static_cast<int>(branch->descriptor_size()), 6)),
        left_rows(branch->rows(a.view(), Side::left)),
        right_rows(branch->rows(b.view(), Side::right)),
        left(cpu::siamese_rows(*left_rows, Side::left, "small")),
        right(cpu::siamese_rows(*right_rows, Side::right, "small")) {}

  std::shared_ptr<const Model> model;
  std::unique_ptr<BranchExecutor> branch;
  Matrix a, b;
  std::shared_ptr<const Rows> left_rows, right_rows;
  const cpu::SiameseRows& left;
  const cpu::SiameseRows& right;
};

/// A tile's rows in 8 bits, and the sums of a pair by the definition.
struct Stored {
  Stored(const cpu::Screen& screen, const ScreenKernels& kernels, const RowsOf& rows)
      : depth(round_up(rows.left.values.columns(), kernels.grain)) {
    for (std::int64_t i = 0; i < rows.left.size(); ++i) {
      left.emplace_back(static_cast<std::size_t>(depth));
      left_rows.push_back(screen.store_left(rows.left, i, left.back().data()));
    }
    for (std::int64_t j = 0; j < rows.right.size(); ++j) {
      right.emplace_back(static_cast<std::size_t>(depth));
      right_rows.push_back(screen.store_right(rows.right, j, right.back().data()));
    }
  }
  /// The upper bound of a pair, which is the first of a panel.
  [[nodiscard]] double upper(const cpu::Screen& screen, const ScreenKernels& kernels, std::size_t i,
                             std::size_t j) const {
    std::vector<std::uint8_t> panel(static_cast<std::size_t>(depth * kernels.panel));
    for (std::int64_t k = 0; k < depth; k += 4) {
      std::copy_n(right[j].begin() + k, 4, panel.begin() + k * kernels.panel);
    }
    const std::vector<std::int32_t> starts(static_cast<std::size_t>(kernels.panel), right_rows[j].start);
    std::vector<std::int32_t> sums(starts.size());
    screen.multiply({.left = left[i].data(), .rows = 1, .depth = depth, .right = panel.data(), .starts = starts.data()},
                    sums.data());
    return double{static_cast<float>(sums[0])} * right_rows[j].scale * left_rows[i].scale + right_rows[j].level -
           left_rows[i].level;
  }

  std::int64_t depth;
  std::vector<std::vector<std::uint8_t>> left, right;
  std::vector<cpu::ScreenedRow> left_rows, right_rows;
};

/// What a score comes from, in double precision: −½‖a − b‖², a·b, or the score of a head.
double true_value(const Model& model, const cpu::SiameseRows& left, std::int64_t i, const cpu::SiameseRows& right,
                  std::int64_t j) {
  const auto a = left.values.row(i);
  const auto b = right.values.row(j);
  const auto* const metric = std::get_if<DecisionMetric>(&model.spec.decision);
  double sum = metric == nullptr ? double{right.scalars[j]} : 0.0;
  std::vector<float> weights(a.size());
  if (metric == nullptr) {
    const auto weight = read_decision_head(model).layers[1].weight;
    weights.assign(weight.begin(), weight.end());
  }
  for (std::size_t k = 0; k < a.size(); ++k) {
    const double difference = double{a[k]} - b[k];
    if (metric == nullptr) {
      sum += double{weights[k]} * std::max(double{a[k]}, -double{b[k]});
    } else {
      sum += metric->kind == DecisionMetric::Kind::l2 ? -0.5 * difference * difference : double{a[k]} * b[k];
    }
  }
  return sum;
}

std::unique_ptr<cpu::Screen> make_screen(const Model& model, std::int64_t length, const ScreenKernels& kernels) {
  if (const auto* const metric = std::get_if<DecisionMetric>(&model.spec.decision)) {
    return cpu::make_metric_screen(metric->kind, length, kernels);
  }
  return cpu::make_head_screen(read_decision_head(model), kernels);
}

}  // namespace

TEST_CASE("sums of 8-bit products are exact on every instruction set") {
  for_each_screen([](const std::string& name) {
    for (const bool head : {false, true}) expect_exact_sums(*cpu::screen_kernels(name.c_str()), head);
  });
}

TEST_CASE("a screen's bounds hold the score in double precision") {
  constexpr int kLength = 61;
  for_each_screen([](const std::string& name) {
    const ScreenKernels& kernels = *cpu::screen_kernels(name.c_str());
    for (const NetworkSpec& spec : {small_spec(kLength, DecisionMetric{DecisionMetric::Kind::l2, true}),
                                    small_spec(kLength, DecisionMetric{DecisionMetric::Kind::cosine, true}),
                                    small_spec(kLength, two_layer_head(kLength, 97))}) {
      std::int64_t prepared = 0;
      for (const HardRows& kind : hard_rows_to_screen()) {
        INFO("decision " << spec.decision.index() << ", " << kind.name);
        const RowsOf rows(spec, kind, 40, 50);
        const auto screen = make_screen(*rows.model, rows.left.values.columns(), kernels);
        const cpu::SiameseRows* const right = &rows.right;
        if (!screen->prepare(rows.left, {&right, 1})) continue;
        ++prepared;
        const Stored stored(*screen, kernels, rows);
        bool above = true;
        bool below = true;
        for (std::size_t i = 0; i < stored.left.size(); ++i) {
          for (std::size_t j = 0; j < stored.right.size(); ++j) {
            const double upper = stored.upper(*screen, kernels, i, j);
            const double width = double{stored.left_rows[i].width} + stored.right_rows[j].width;
            const double truth = true_value(*rows.model, rows.left, static_cast<std::int64_t>(i), rows.right,
                                            static_cast<std::int64_t>(j));
            above = above && upper >= truth;
            below = below && upper - width <= truth;
          }
        }
        CHECK(above);
        CHECK(below);
      }
      CHECK(prepared >= 6);
    }
  });
}

}  // namespace twinpatch::test
