// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/evaluate/hpatches_tasks.hpp"

#include <algorithm>
#include <cstring>
#include <random>

#include "twinpatch/core/error.hpp"
#include "twinpatch/evaluate/metrics.hpp"

namespace twinpatch {
namespace {

/// A sequence brought to the comparer's patch size.
struct Sequence {
  PatchSet reference;
  std::vector<char> levels;  ///< of each strip: 'e', 'h', 't'
  std::vector<PatchSet> strips;
};

Sequence prepare(const HPatchesSequence& stored, int side) {
  Sequence sequence;
  for (std::size_t i = 0; i < stored.strips.size(); ++i) {
    PatchSet patches = resize_patches(stored.patches[i].view(), side);
    if (stored.strips[i] == "ref") {
      sequence.reference = std::move(patches);
    } else {
      sequence.levels.push_back(stored.strips[i].front());
      sequence.strips.push_back(std::move(patches));
    }
  }
  if (sequence.reference.size() < 2) throw InvalidArgument(stored.name + ": needs a ref strip of at least two patches");
  return sequence;
}

std::int64_t draw(std::mt19937_64& random, std::int64_t count) {
  return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(count));
}

struct Mean {
  double sum = 0;
  int count = 0;
  void add(double value) { sum += value, ++count; }
  [[nodiscard]] double value() const { return count == 0 ? 0 : sum / count; }
};

/// Patches that a verification pairs up.
struct VerifiedStrips {
  PatchView reference;
  PatchView strip;             ///< row i shows what row i of the reference shows
  PatchView other;             ///< right patches of the negatives
  bool same_sequence = false;  ///< `other` is the strip
};

/// AP of positives (row i of ref and strip) against negatives whose right patch comes from `other`.
double verify(Comparer& comparer, const VerifiedStrips& strips, std::int64_t wanted, std::mt19937_64& random,
              const RunControl& control) {
  const auto& [reference, strip, other, same_sequence] = strips;
  const std::int64_t count = std::min(wanted, reference.count);
  std::vector<IndexPair> positives, negatives;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t row = reference.count <= wanted ? i : draw(random, reference.count);
    positives.push_back({static_cast<std::int32_t>(row), static_cast<std::int32_t>(row)});
    std::int64_t wrong = draw(random, other.count);
    if (same_sequence && wrong == row) wrong = (wrong + 1) % other.count;
    negatives.push_back({static_cast<std::int32_t>(row), static_cast<std::int32_t>(wrong)});
  }
  std::vector<float> scores = comparer.score(reference, strip, positives, control);
  const std::vector<float> wrong_scores = comparer.score(reference, other, negatives, control);
  std::vector<std::uint8_t> labels(scores.size(), 1);
  scores.insert(scores.end(), wrong_scores.begin(), wrong_scores.end());
  labels.resize(scores.size(), 0);
  return average_precision(scores, labels);
}

/// Nearest neighbours of ref in the strip, ranked by score; right where the row is the same. Recall counts every row.
double match_strip(Comparer& comparer, PatchView reference, PatchView strip, const RunControl& control) {
  const Selected best = comparer.best(reference, strip, {.top_k = 1}, control);
  std::vector<std::int64_t> order(static_cast<std::size_t>(reference.count));
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(i);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int64_t a, std::int64_t b) { return best.scores[a] > best.scores[b]; });
  double precision_sum = 0;
  std::int64_t right = 0;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    if (best.indices[order[rank]] != order[rank]) continue;
    ++right;
    precision_sum += static_cast<double>(right) / static_cast<double>(rank + 1);
  }
  return precision_sum / static_cast<double>(reference.count);
}

PatchSet gather(const std::vector<Sequence>& sequences,
                const std::vector<std::pair<std::size_t, std::int64_t>>& which) {
  const PatchView first = sequences.front().reference.view();
  PatchSet result(static_cast<std::int64_t>(which.size()), first.height, first.width);
  for (std::size_t i = 0; i < which.size(); ++i) {
    const PatchView source = sequences[which[i].first].reference.view().slice(which[i].second, 1);
    std::memcpy(result.mutable_patch(static_cast<std::int64_t>(i)), source.pixels,
                static_cast<std::size_t>(source.patch_bytes()));
  }
  return result;
}

struct RetrievalTask {
  const std::vector<Sequence>& sequences;
  char level;
  const HPatchesOptions& options;
};

/// Queries: ref patches. Pool: the query's rows in the strips of one level, and distractors from other sequences' ref.
double retrieve(Comparer& comparer, const RetrievalTask& task, std::mt19937_64& random, const RunControl& control) {
  const auto& [sequences, level, options] = task;
  Mean mean;
  const std::int64_t per_sequence =
      std::max<std::int64_t>(1, options.retrieval_queries / static_cast<std::int64_t>(sequences.size()));
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    std::vector<std::pair<std::size_t, std::int64_t>> distractors;
    for (std::int64_t i = 0; i < options.retrieval_distractors; ++i) {
      auto other = static_cast<std::size_t>(draw(random, static_cast<std::int64_t>(sequences.size()) - 1));
      if (other >= s) ++other;
      distractors.emplace_back(other, draw(random, sequences[other].reference.size()));
    }
    std::sort(distractors.begin(), distractors.end());
    distractors.erase(std::unique(distractors.begin(), distractors.end()), distractors.end());
    const PatchSet pool = gather(sequences, distractors);

    const PatchView reference = sequences[s].reference.view();
    const std::int64_t queries = std::min(per_sequence, reference.count);
    const PatchView query = reference.slice(0, queries);
    // Enough of the pool's best to rank every relevant patch that stands above the deepest of them.
    const int depth = static_cast<int>(std::min<std::int64_t>(pool.size(), 100));
    const Selected distractor_best = comparer.best(query, pool.view(), {.top_k = depth}, control);
    std::vector<IndexPair> rows;
    for (std::int64_t i = 0; i < queries; ++i)
      rows.push_back({static_cast<std::int32_t>(i), static_cast<std::int32_t>(i)});
    std::vector<std::vector<float>> relevant(static_cast<std::size_t>(queries));
    for (std::size_t strip = 0; strip < sequences[s].strips.size(); ++strip) {
      if (sequences[s].levels[strip] != level) continue;
      const std::vector<float> scores = comparer.score(query, sequences[s].strips[strip].view(), rows, control);
      for (std::size_t i = 0; i < scores.size(); ++i) relevant[i].push_back(scores[i]);
    }
    for (std::size_t i = 0; i < relevant.size(); ++i) {
      if (relevant[i].empty()) continue;
      std::sort(relevant[i].rbegin(), relevant[i].rend());
      double precision_sum = 0;
      for (std::size_t found = 0; found < relevant[i].size(); ++found) {
        int above = 0;
        while (above < depth &&
               distractor_best.scores[static_cast<std::int64_t>(i) * depth + above] >= relevant[i][found]) {
          ++above;
        }
        if (above == depth) break;  // below the 100 best distractors: its precision is next to nothing
        precision_sum +=
            static_cast<double>(found + 1) / static_cast<double>(found + 1 + static_cast<std::size_t>(above));
      }
      mean.add(precision_sum / static_cast<double>(relevant[i].size()));
    }
  }
  return mean.value();
}

}  // namespace

HPatchesResult evaluate_hpatches(Comparer& comparer, std::span<const HPatchesSequence> stored,
                                 const HPatchesOptions& options, const RunControl& control) {
  if (stored.size() < 2) throw InvalidArgument("HPatches tasks need at least two sequences (negatives of another one)");
  std::vector<Sequence> sequences;
  for (const HPatchesSequence& sequence : stored) sequences.push_back(prepare(sequence, comparer.side()));

  HPatchesResult result;
  result.name = comparer.name();
  for (const char level : {'e', 'h', 't'}) {
    std::mt19937_64 random(options.seed);
    Mean same, other, matching;
    for (std::size_t s = 0; s < sequences.size(); ++s) {
      const PatchView reference = sequences[s].reference.view();
      const PatchView foreign = sequences[(s + 1) % sequences.size()].reference.view();
      for (std::size_t strip = 0; strip < sequences[s].strips.size(); ++strip) {
        if (sequences[s].levels[strip] != level) continue;
        control.check();
        const PatchView target = sequences[s].strips[strip].view();
        same.add(verify(comparer, {reference, target, target, true}, options.pairs_per_strip, random, control));
        other.add(verify(comparer, {reference, target, foreign, false}, options.pairs_per_strip, random, control));
        matching.add(match_strip(comparer, reference, target, control));
      }
    }
    if (matching.count == 0) continue;
    result.levels.push_back({level, same.value(), other.value(), matching.value(),
                             retrieve(comparer, {sequences, level, options}, random, control)});
  }
  return result;
}

}  // namespace twinpatch
