// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <hwy/targets.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <utility>
#include <vector>

#include "cpu_internal.hpp"
#include "support/reference.hpp"
#include "support/small_networks.hpp"
#include "support/tolerances.hpp"

namespace twinpatch::test {

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
        scorer->score_tile({left_rows.get(), row}, {right_rows.get(), column}, *selection);
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
