// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <catch2/catch.hpp>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "support/random.hpp"
#include "support/reference.hpp"
#include "support/tolerances.hpp"
#include "twinpatch/backend/backend.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/cpu/backend.hpp"
#include "twinpatch/cuda/backend.hpp"

// Cases are written once: they run on the SIMT stand-in everywhere, and on a GPU where there is one.

namespace twinpatch::test {

/// No device to run on: the case says so and returns. Fails the test where TWINPATCH_REQUIRE_GPU=1.
inline bool no_device() {
  if (count_cuda_devices() > 0) return false;
  const char* const required = std::getenv("TWINPATCH_REQUIRE_GPU");
  if (required != nullptr && std::string(required) == "1") FAIL("no CUDA device, and TWINPATCH_REQUIRE_GPU=1");
  WARN("skipped: no CUDA device");
  return true;
}

inline ExecutionOptions cuda_options(Precision precision = Precision::fp32) {
  ExecutionOptions options;
  options.device = "cuda:0";
  options.threads = 2;
  options.precision = precision;
  return options;
}

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

/// A branch and a scorer of one model on one backend.
struct Rig {
  Rig(std::unique_ptr<Backend> on, std::shared_ptr<const Model> of)
      : backend(std::move(on)),
        model(std::move(of)),
        branch(backend->make_branch(model)),
        scorer(backend->make_scorer(model)) {}

  /// Every pair of left × right, as a list; the sides are patches or descriptors.
  template <class Side1, class Side2>
  [[nodiscard]] std::vector<float> list(const Side1& left, const Side2& right) const {
    const auto a = branch->rows(left, Side::left);
    const auto b = branch->rows(right, Side::right);
    const auto pairs = all_pairs(a->size(), b->size());
    std::vector<float> scores(pairs.size());
    scorer->score_list(*a, *b, pairs, scores);
    return scores;
  }
  /// The same through score_block, between columns that must stay as they are.
  template <class Side1, class Side2>
  [[nodiscard]] std::vector<float> block(const Side1& left, const Side2& right) const {
    const auto a = branch->rows(left, Side::left);
    const auto b = branch->rows(right, Side::right);
    constexpr std::int64_t kGap = 3;
    constexpr float kUntouched = 12345;
    const std::int64_t stride = b->size() + kGap;
    std::vector<float> wide(static_cast<std::size_t>(a->size() * stride), kUntouched);
    scorer->score_block(*a, *b, wide.data(), stride);
    std::vector<float> scores;
    for (std::int64_t i = 0; i < a->size(); ++i) {
      for (std::int64_t j = 0; j < stride; ++j) {
        const float score = wide[static_cast<std::size_t>(i * stride + j)];
        if (j < b->size()) {
          scores.push_back(score);
        } else {
          CHECK(score == kUntouched);
        }
      }
    }
    return scores;
  }

  std::unique_ptr<Backend> backend;
  std::shared_ptr<const Model> model;
  std::unique_ptr<BranchExecutor> branch;
  std::unique_ptr<PairScorer> scorer;
};

inline Rig cuda_rig(std::shared_ptr<const Model> model, const ExecutionOptions& options = cuda_options()) {
  return {make_cuda_backend(options), std::move(model)};
}
inline Rig cpu_rig(std::shared_ptr<const Model> model) {
  ExecutionOptions options;
  options.device = "cpu";
  options.threads = 2;
  return {make_cpu_backend(options), std::move(model)};
}

inline std::vector<double> widened(std::span<const float> values) { return {values.begin(), values.end()}; }

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
