// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "support/random.hpp"
#include "twinpatch/backend/backend.hpp"
#include "twinpatch/cpu/backend.hpp"

// What tests of backends need: patches, a model's branch and scorer on one of them, grids in tiles.

namespace twinpatch::test {

/// u8 patches of one size.
struct Patches {
  Patches(std::int64_t count, Extent size, std::uint64_t seed)
      : pixels(structured_patches(count, size.height, size.width, seed)),
        view{PixelType::u8, pixels.data(), count, size.height, size.width} {}
  std::vector<std::uint8_t> pixels;
  PatchView view;
};

inline std::shared_ptr<const Model> shared_model(const NetworkSpec& spec, std::uint64_t seed = 3) {
  return std::make_shared<const Model>(random_model(spec, seed));
}

inline std::vector<IndexPair> all_pairs(std::int64_t rows, std::int64_t columns) {
  std::vector<IndexPair> pairs;
  for (std::int32_t i = 0; i < rows; ++i) {
    for (std::int32_t j = 0; j < columns; ++j) pairs.push_back({i, j});
  }
  return pairs;
}

inline std::vector<double> widened(std::span<const float> values) { return {values.begin(), values.end()}; }

/// A branch and a scorer of one model on one backend. The sides of a grid are patches or descriptors.
struct Rig {
  Rig(std::unique_ptr<Backend> on, std::shared_ptr<const Model> of)
      : backend(std::move(on)),
        model(std::move(of)),
        branch(backend->make_branch(fold_batch_normalisation(model))),
        scorer(backend->make_scorer(fold_batch_normalisation(model))) {}

  /// Every pair of left × right, as a list.
  template <class Left, class Right>
  [[nodiscard]] std::vector<float> list(const Left& left, const Right& right) const {
    const auto a = branch->rows(left, Side::left);
    const auto b = branch->rows(right, Side::right);
    const auto pairs = all_pairs(a->size(), b->size());
    std::vector<float> scores(pairs.size());
    scorer->score_list(*a, *b, pairs, scores);
    return scores;
  }

  /// The same through score_block, between columns that must stay as they are.
  template <class Left, class Right>
  [[nodiscard]] std::vector<float> block(const Left& left, const Right& right) const {
    const auto a = branch->rows(left, Side::left);
    const auto b = branch->rows(right, Side::right);
    constexpr std::int64_t kGap = 3;
    constexpr float kUntouched = 12345;
    const std::int64_t stride = b->size() + kGap;
    std::vector<float> wide(static_cast<std::size_t>(a->size() * stride), kUntouched);
    scorer->score_block(*a, *b, wide.data(), stride);
    std::vector<float> scores;
    for (std::int64_t i = 0; i < a->size(); ++i) {
      const auto row = wide.begin() + i * stride;
      scores.insert(scores.end(), row, row + b->size());
      CHECK(std::all_of(row + b->size(), row + stride, [](float value) { return value == kUntouched; }));
    }
    return scores;
  }

  /// What is kept of left × right, in tiles of at most `tile_rows` × `tile_columns`, last tiles first. Both sides are
  /// PatchView or MatrixView.
  template <class View>
  [[nodiscard]] Selected select(const View& left, const View& right, SelectionRequest request, std::int64_t tile_rows,
                                std::int64_t tile_columns) const {
    request.rows = size_of(left);
    request.columns = size_of(right);
    const auto selection = backend->make_selection(request);
    for (std::int64_t row = last_tile(request.rows, tile_rows); row >= 0; row -= tile_rows) {
      const auto a = branch->rows(left.slice(row, std::min(tile_rows, request.rows - row)), Side::left);
      for (std::int64_t column = last_tile(request.columns, tile_columns); column >= 0; column -= tile_columns) {
        const auto b = branch->rows(right.slice(column, std::min(tile_columns, request.columns - column)), Side::right);
        scorer->score_tile({a.get(), row}, {b.get(), column}, *selection);
      }
    }
    return selection->read();
  }

  std::unique_ptr<Backend> backend;
  std::shared_ptr<const Model> model;
  std::unique_ptr<BranchExecutor> branch;
  std::unique_ptr<PairScorer> scorer;

 private:
  static std::int64_t size_of(const PatchView& patches) { return patches.count; }
  static std::int64_t size_of(const MatrixView& descriptors) { return descriptors.rows; }
  /// Where the last tile of a side begins; negative where there is none.
  static std::int64_t last_tile(std::int64_t size, std::int64_t tile) {
    return size == 0 ? -1 : (size - 1) / tile * tile;
  }
};

inline ExecutionOptions cpu_options(int threads = 2) {
  ExecutionOptions options;
  options.device = "cpu";
  options.threads = threads;
  return options;
}
inline Rig cpu_rig(std::shared_ptr<const Model> model, const ExecutionOptions& options = cpu_options()) {
  return {make_cpu_backend(options), std::move(model)};
}

/// The same rows and columns kept but for ties: scores within `limit`, an index that differs only where the matrix of
/// scores holds nearly the same at both, no index twice.
inline void expect_same_kept(const Selected& got, const Selected& expected, MatrixView scores, double limit) {
  REQUIRE(got.rows == expected.rows);
  REQUIRE(got.columns == expected.columns);
  REQUIRE(got.top_k == expected.top_k);
  REQUIRE(got.column_indices.size() == expected.column_indices.size());
  const auto near = [&](float a, float b) { return a == b || std::abs(a - b) <= limit * (1 + std::abs(b)); };
  for (std::int64_t i = 0; i < got.rows; ++i) {
    std::set<std::int32_t> seen;
    for (int k = 0; k < got.top_k; ++k) {
      const std::int64_t at = i * got.top_k + k;
      INFO("row " << i << ", place " << k << ": " << got.indices[at] << " " << got.scores[at] << ", expected "
                  << expected.indices[at] << " " << expected.scores[at]);
      CHECK((got.indices[at] < 0) == (expected.indices[at] < 0));
      CHECK(near(got.scores[at], expected.scores[at]));
      if (got.indices[at] < 0) continue;
      CHECK(seen.insert(got.indices[at]).second);
      const float there = scores.row(i)[static_cast<std::size_t>(got.indices[at])];
      CHECK((got.indices[at] == expected.indices[at] || near(there, expected.scores[at])));
    }
  }
  for (std::int64_t j = 0; j < got.column_indices.size(); ++j) {
    INFO("column " << j << ": " << got.column_indices[j] << ", expected " << expected.column_indices[j]);
    CHECK(near(got.column_scores[j], expected.column_scores[j]));
    REQUIRE(got.column_indices[j] >= 0);
    const float there = scores.row(got.column_indices[j])[static_cast<std::size_t>(j)];
    CHECK((got.column_indices[j] == expected.column_indices[j] || near(there, expected.column_scores[j])));
  }
}

}  // namespace twinpatch::test
