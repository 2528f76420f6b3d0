// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include "hpatches_strips.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/evaluate/trapezoidal.hpp"

namespace twinpatch::evaluate {
namespace {

/// Entries of the pool that count, the query's own five first.
constexpr std::array<std::int64_t, 7> kPools = {100, 500, 1000, 5000, 10000, 15000, 20000};

/// A query's relevant scores of one level, best first, and how many distractors stand above each: `above[pool][j]`
/// counts those that come in with this pool, not with a smaller one.
struct Ranking {
  std::array<float, kStrips> scores{};
  std::array<std::array<std::int64_t, kStrips>, kPools.size()> above{};

  void meet(float distractor, std::size_t pool) {
    for (std::size_t j = kStrips; j > 0 && distractor > scores[j - 1]; --j) ++above[pool][j - 1];
  }
  [[nodiscard]] double mean_precision() const {
    double sum = 0;
    std::array<std::int64_t, kStrips> stands{};
    for (const auto& more : above) {
      for (std::size_t j = 0; j < stands.size(); ++j) stands[j] += more[j];
      sum += trapezoidal_average_precision(stands);
    }
    return sum / static_cast<double>(kPools.size());
  }
};

/// For each sequence the pool in which each distractor comes in, kPools.size() if in none: distractors of the query's
/// own sequence are left out, and the others move up.
std::vector<std::vector<std::uint8_t>> pools_of(const HPatchesRetrievalTask& task, std::size_t sequences) {
  std::vector<std::vector<std::uint8_t>> pools(sequences);
  for (std::size_t s = 0; s < sequences; ++s) {
    std::int64_t place = kStrips;
    for (const HPatchesPatch& distractor : task.distractors) {
      if (distractor.sequence == static_cast<std::int32_t>(s)) {
        pools[s].push_back(kPools.size());
        continue;
      }
      const auto pool = std::ranges::upper_bound(kPools, place++);
      pools[s].push_back(static_cast<std::uint8_t>(pool - kPools.begin()));
    }
  }
  return pools;
}

/// Queries, distractors, and the queries' rows in the strips of every level.
struct RetrievalPatches {
  Gathered queries, distractors;
  std::vector<Gathered> strips;  ///< [level·5 + image − 1]: row i belongs to query i
};

RetrievalPatches gather(const HPatchesRun& run) {
  const HPatchesRetrievalTask& task = *run.protocol.retrieval;
  const int side = run.comparer.side();
  struct Row {
    PatchSet query;                // empty for a distractor
    std::vector<PatchSet> strips;  // of a query
  };
  std::vector<PatchSet> distractors(task.distractors.size());
  std::vector<Row> queries(task.queries.size());
  for (std::size_t s = 0; s < run.protocol.sequences.size(); ++s) {
    run.control.check();
    const HPatchesSequence sequence = run.source.read(run.protocol.sequences[s]);
    const auto number = static_cast<std::int32_t>(s);
    const auto cut = [&](char level, int image, std::int32_t row) {
      return resize_patches(strip(sequence, level, image).slice(row, 1), side);
    };
    for (std::size_t i = 0; i < distractors.size(); ++i) {
      const HPatchesPatch& patch = task.distractors[i];
      if (patch.sequence == number) distractors[i] = cut('e', 0, patch.row);
    }
    for (std::size_t i = 0; i < queries.size(); ++i) {
      const HPatchesPatch& patch = task.queries[i];
      if (patch.sequence != number) continue;
      queries[i].query = cut('e', 0, patch.row);
      for (const char level : kLevels) {
        for (int image = 1; image <= kStrips; ++image) queries[i].strips.push_back(cut(level, image, patch.row));
      }
    }
  }
  RetrievalPatches patches{Gathered(std::ssize(queries), side), Gathered(std::ssize(distractors), side), {}};
  for (const PatchSet& distractor : distractors) patches.distractors.add(distractor.view());
  for (const Row& row : queries) patches.queries.add(row.query.view());
  for (std::size_t strip = 0; strip < kLevels.size() * kStrips; ++strip) {
    patches.strips.emplace_back(std::ssize(queries), side);
    for (const Row& row : queries) patches.strips.back().add(row.strips[strip].view());
  }
  return patches;
}

using Rankings = std::vector<std::array<Ranking, kLevels.size()>>;  // of each query

Rankings relevant_scores(const HPatchesRun& run, const RetrievalPatches& patches) {
  const PatchView queries = patches.queries.view();
  std::vector<IndexPair> rows;
  rows.reserve(static_cast<std::size_t>(queries.count));
  for (std::int32_t i = 0; i < queries.count; ++i) rows.push_back({i, i});
  Rankings rankings(rows.size());
  for (std::size_t strip = 0; strip < patches.strips.size(); ++strip) {
    const auto scores = run.comparer.score(queries, patches.strips[strip].view(), rows, run.control);
    for (std::size_t i = 0; i < rankings.size(); ++i) rankings[i][strip / kStrips].scores[strip % kStrips] = scores[i];
  }
  for (auto& levels : rankings) {
    for (Ranking& ranking : levels) std::ranges::sort(ranking.scores, std::greater<>());
  }
  return rankings;
}

}  // namespace

std::array<double, 3> retrieve_hpatches(const HPatchesRun& run) {
  const HPatchesRetrievalTask& task = *run.protocol.retrieval;
  const RetrievalPatches patches = gather(run);
  Rankings rankings = relevant_scores(run, patches);
  const auto pools = pools_of(task, run.protocol.sequences.size());
  const auto meet = [&](std::int64_t first_row, std::int64_t first_column, MatrixView scores) {
    for (std::int64_t i = 0; i < scores.rows; ++i) {
      const auto query = static_cast<std::size_t>(first_row + i);
      const auto& pool_of = pools[static_cast<std::size_t>(task.queries[query].sequence)];
      const auto row = scores.row(i);
      for (std::size_t j = 0; j < row.size(); ++j) {
        const std::size_t pool = pool_of[static_cast<std::size_t>(first_column) + j];
        if (pool == kPools.size()) continue;
        for (Ranking& ranking : rankings[query]) ranking.meet(row[j], pool);
      }
    }
  };
  run.comparer.every(patches.queries.view(), patches.distractors.view(), meet, run.control);

  std::array<double, 3> means{};
  for (const auto& levels : rankings) {
    for (std::size_t l = 0; l < means.size(); ++l) means[l] += levels[l].mean_precision();
  }
  for (double& mean : means) mean /= static_cast<double>(rankings.size());
  return means;
}

}  // namespace twinpatch::evaluate
