// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <hwy/targets.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "cpu_internal.hpp"
#include "support/random.hpp"
#include "support/reference.hpp"
#include "support/tolerances.hpp"

namespace twinpatch::test {

/// A siamese network with descriptors of `length`; what its branch is does not matter here.
inline NetworkSpec small_spec(int length, Decision decision) {
  NetworkSpec spec;
  spec.name = "small";
  spec.input = Extent{4, 4};
  spec.streams = {Stream{{}, {Linear{16, length}}}};
  spec.decision = std::move(decision);
  return spec;
}

inline DecisionLayers two_layer_head(int length, int hidden) {
  return {{Linear{2 * length, hidden}, Activation{Activation::Kind::relu}, Linear{hidden, 1}}};
}

/// Descriptors [count, length]: random, some of them copies of others (exact ties), some nearly so.
inline Matrix some_descriptors(std::int64_t count, int length, std::uint64_t seed, bool normalised) {
  Random random(seed);
  Matrix result(count, length);
  for (std::int64_t i = 0; i < count; ++i) {
    auto row = result.row(i);
    const bool copy = i > 0 && random.below(4) == 0;
    const double noise = !copy ? 1.0 : random.below(2) == 0 ? 0.0 : 1e-4;
    const std::int64_t from = copy ? random.below(i) : 0;
    double norm = 0;
    for (std::size_t k = 0; k < row.size(); ++k) {
      row[k] = static_cast<float>((copy ? double{result.row(from)[k]} : 0.0) + noise * random.normal());
      norm += double{row[k]} * row[k];
    }
    if (normalised && !(copy && noise == 0.0)) {
      for (float& value : row) value = static_cast<float>(value / std::sqrt(norm));
    }
  }
  return result;
}

inline Matrix copy_of(MatrixView from) {
  Matrix result(from.rows, from.columns);
  std::copy_n(from.data, result.size(), result.data());
  return result;
}

/// A context, a row maker and a scorer for one model.
struct SiameseRig {
  SiameseRig(const NetworkSpec& spec, int threads, std::uint64_t seed = 7)
      : SiameseRig(random_model(spec, seed), threads) {}
  SiameseRig(Model given, int threads)
      : context(std::make_shared<cpu::CpuContext>(options(threads))),
        model(std::make_shared<const Model>(std::move(given))),
        rows(cpu::make_siamese_row_maker(context, model)),
        scorer(cpu::make_siamese_scorer(context, model)) {}

  [[nodiscard]] std::shared_ptr<const Rows> make(MatrixView descriptors, Side side) const {
    return rows->rows(copy_of(descriptors), side);
  }
  /// The whole grid through score_block.
  [[nodiscard]] Matrix block(MatrixView left, MatrixView right) const {
    Matrix scores(left.rows, right.rows);
    scorer->score_block(*make(left, Side::left), *make(right, Side::right), scores.data(), right.rows);
    return scores;
  }
  /// The whole grid through score_list.
  [[nodiscard]] Matrix list(MatrixView left, MatrixView right) const {
    Matrix scores(left.rows, right.rows);
    std::vector<IndexPair> pairs;
    for (std::int32_t i = 0; i < left.rows; ++i) {
      for (std::int32_t j = 0; j < right.rows; ++j) pairs.push_back({i, j});
    }
    scorer->score_list(*make(left, Side::left), *make(right, Side::right), pairs, scores.span());
    return scores;
  }
  /// The whole grid into a selection, in tiles of at most `tile_rows` × `tile_columns`, last tile first.
  [[nodiscard]] Selected select(MatrixView left, MatrixView right, SelectionRequest request, std::int64_t tile_rows,
                                std::int64_t tile_columns) const {
    request.rows = left.rows;
    request.columns = right.rows;
    const auto selection = cpu::make_cpu_selection(context, request);
    for (std::int64_t row = (left.rows - 1) / tile_rows * tile_rows; row >= 0 && left.rows > 0; row -= tile_rows) {
      const auto left_rows = make(left.slice(row, std::min(tile_rows, left.rows - row)), Side::left);
      for (std::int64_t column = (right.rows - 1) / tile_columns * tile_columns; column >= 0 && right.rows > 0;
           column -= tile_columns) {
        const auto right_rows = make(right.slice(column, std::min(tile_columns, right.rows - column)), Side::right);
        scorer->score_tile(*left_rows, row, *right_rows, column, *selection);
      }
    }
    return selection->read();
  }

  static ExecutionOptions options(int threads) {
    ExecutionOptions result;
    result.device = "cpu";
    result.threads = threads;
    return result;
  }

  std::shared_ptr<cpu::CpuContext> context;
  std::shared_ptr<const Model> model;
  std::unique_ptr<cpu::SiameseRowMaker> rows;
  std::unique_ptr<PairScorer> scorer;
};

/// Scores by the double-precision reference.
inline std::vector<double> reference_scores(const Model& model, MatrixView left, MatrixView right) {
  std::vector<double> result;
  const auto vector = [](std::span<const float> row) { return reference::Vector(row.begin(), row.end()); };
  for (std::int64_t i = 0; i < left.rows; ++i) {
    for (std::int64_t j = 0; j < right.rows; ++j) {
      result.push_back(reference::decide(model, vector(left.row(i)), vector(right.row(j))));
    }
  }
  return result;
}

inline void expect_same(const Selected& got, const Selected& expected) {
  REQUIRE(got.rows == expected.rows);
  REQUIRE(got.columns == expected.columns);
  REQUIRE(got.top_k == expected.top_k);
  const auto same = [](const auto& a, const auto& b) {
    REQUIRE(a.size() == b.size());
    CHECK(std::equal(a.data(), a.data() + a.size(), b.data()));
  };
  same(got.indices, expected.indices);
  same(got.scores, expected.scores);
  same(got.column_indices, expected.column_indices);
  same(got.column_scores, expected.column_scores);
  for (std::int64_t i = 0; i < got.rows; ++i) {
    std::set<std::int32_t> seen;
    for (int k = 0; k < got.top_k; ++k) {
      const std::int32_t index = got.indices[i * got.top_k + k];
      if (index >= 0) CHECK(seen.insert(index).second);
    }
  }
}

/// Calls body() once for each instruction set that this processor has.
template <class Body>
void for_each_target(const Body& body) {
  struct Restore {
    ~Restore() {
      hwy::SetSupportedTargetsForTest(0);
      hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    }
  } restore;
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    INFO("instruction set " << hwy::TargetName(static_cast<uint32_t>(target)));
    body();
  }
}

}  // namespace twinpatch::test
