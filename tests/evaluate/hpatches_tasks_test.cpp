// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/evaluate/hpatches_tasks.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <optional>

#include "evaluate/hpatches_reference.hpp"
#include "support/random.hpp"
#include "twinpatch/core/error.hpp"

using namespace twinpatch;
using namespace twinpatch::test;

namespace {

constexpr int kSide = 8;
constexpr const char* kLevels = "eht";

PatchSet noise_patches(Random& random, std::int64_t count) {
  PatchSet patches(count, kSide, kSide);
  for (std::int64_t i = 0; i < count * kSide * kSide; ++i)
    patches.mutable_patch(0)[i] = static_cast<std::uint8_t>(random.below(256));
  return patches;
}

PatchSet disturbed(Random& random, PatchView source, double strength) {
  PatchSet patches(source.count, source.height, source.width);
  const auto* pixels = static_cast<const std::uint8_t*>(source.pixels);
  for (std::int64_t i = 0; i < source.count * kSide * kSide; ++i) {
    patches.mutable_patch(0)[i] =
        static_cast<std::uint8_t>(std::clamp(pixels[i] + strength * random.normal(), 0.0, 255.0));
  }
  return patches;
}

/// Three sequences of different length whose strips are their reference plus noise, more of it in harder levels.
class Data {
 public:
  explicit Data(std::uint64_t seed = 9, const std::vector<double>& strength = {40, 100, 250}) {
    Random random(seed);
    for (const auto& [name, count] : {std::pair("v_one", 40), std::pair("i_two", 23), std::pair("v_three", 31)}) {
      HPatchesSequence& sequence = sequences_[name];
      sequence.name = name;
      sequence.strips.emplace_back("ref");
      sequence.patches.push_back(noise_patches(random, count));
      for (std::size_t l = 0; l < strength.size(); ++l) {
        for (int strip = 1; strip <= 5; ++strip) {
          sequence.strips.push_back(std::string{kLevels[l], static_cast<char>('0' + strip)});
          sequence.patches.push_back(disturbed(random, sequence.patches.front().view(), strength[l]));
        }
      }
      protocol.sequences.emplace_back(name);
      counts.push_back(count);
    }
  }

  [[nodiscard]] HPatchesSource source() const {
    return {[this](const std::string& name) {
      const HPatchesSequence& stored = sequences_.at(name);
      HPatchesSequence copy{stored.name, stored.strips, {}};
      for (const PatchSet& patches : stored.patches) copy.patches.push_back(resize_patches(patches.view(), kSide));
      return copy;
    }};
  }
  [[nodiscard]] HPatchesSequence& sequence(const std::string& name) { return sequences_.at(name); }
  /// The score of two patches, one by one.
  [[nodiscard]] double score(Comparer& comparer, char level, const HPatchesPair& pair) const {
    const std::vector<IndexPair> one{{0, 0}};
    return double{comparer.score(patch(level, pair.left), patch(level, pair.right), one).front()};
  }

  HPatchesProtocol protocol;
  std::vector<std::int64_t> counts;

 private:
  [[nodiscard]] PatchView patch(char level, const HPatchesPatch& which) const {
    const HPatchesSequence& sequence = sequences_.at(protocol.sequences[static_cast<std::size_t>(which.sequence)]);
    const std::string strip = which.image == 0 ? "ref" : std::string{level, static_cast<char>('0' + which.image)};
    const auto at = std::ranges::find(sequence.strips, strip) - sequence.strips.begin();
    return sequence.patches[static_cast<std::size_t>(at)].view().slice(which.row, 1);
  }

  std::map<std::string, HPatchesSequence> sequences_;
};

std::unique_ptr<Comparer> pixels() { return descriptor_comparer("pixels", kSide, normalised_pixels); }

double reference_matching(const Data& data, Comparer& comparer, char level, char kind) {
  double sum = 0;
  int sequences = 0;
  for (std::int32_t s = 0; s < 3; ++s) {
    if (data.protocol.sequences[static_cast<std::size_t>(s)].front() != kind) continue;
    ++sequences;
    const auto count = static_cast<std::int32_t>(data.counts[static_cast<std::size_t>(s)]);
    for (std::int32_t strip = 1; strip <= 5; ++strip) {
      std::vector<double> scores;
      std::vector<int> right;
      for (std::int32_t i = 0; i < count; ++i) {
        std::vector<double> row;
        for (std::int32_t j = 0; j < count; ++j) row.push_back(data.score(comparer, level, {{s, 0, i}, {s, strip, j}}));
        const auto best = std::max_element(row.begin(), row.end());
        scores.push_back(*best);
        right.push_back(best - row.begin() == i ? 1 : 0);
      }
      sum += reference_precision(scores, right, count) / 5;
    }
  }
  return sum / sequences;
}

}  // namespace

TEST_CASE("HPatches matching is the definition's") {
  const Data data;
  const auto comparer = pixels();
  const HPatchesResult result = evaluate_hpatches(*comparer, data.source(), data.protocol);
  REQUIRE(result.levels.size() == 3);
  double mean = 0;
  for (const HPatchesLevel& level : result.levels) {
    CAPTURE(level.level);
    const double viewpoint = reference_matching(data, *comparer, level.level, 'v');
    const double illumination = reference_matching(data, *comparer, level.level, 'i');
    CHECK(level.matching.viewpoint.value() == Approx(viewpoint).epsilon(1e-9));
    CHECK(level.matching.illumination.value() == Approx(illumination).epsilon(1e-9));
    CHECK_FALSE(level.verification);
    CHECK_FALSE(level.retrieval);
    mean += (viewpoint + illumination) / 6;
  }
  CHECK(result.matching.value() == Approx(mean).epsilon(1e-9));
  CHECK(result.levels[0].matching.viewpoint.value() > 0.95);
  CHECK(result.levels[2].matching.viewpoint.value() < 0.7);
}

TEST_CASE("HPatches verification is the definition's") {
  Data data;
  const auto comparer = pixels();
  data.protocol.verification = draw_hpatches_verification(data.counts, 203);
  const HPatchesVerificationTask& task = *data.protocol.verification;
  const HPatchesResult result = evaluate_hpatches(*comparer, data.source(), data.protocol);
  double precision = 0;
  for (const HPatchesLevel& level : result.levels) {
    CAPTURE(level.level);
    const auto check = [&](const std::vector<HPatchesPair>& negatives, double precision_found, double roc_found) {
      std::vector<double> scores;
      std::vector<int> labels;
      for (const HPatchesPair& pair : negatives) scores.push_back(data.score(*comparer, level.level, pair));
      labels.resize(scores.size(), 0);
      for (const HPatchesPair& pair : task.positives) scores.push_back(data.score(*comparer, level.level, pair));
      labels.resize(scores.size(), 1);
      CHECK(roc_found == Approx(reference_roc(scores, labels)).epsilon(1e-9));
      scores.resize(203 + 40);  // the first fifth of the positives
      labels.resize(203 + 40);
      CHECK(precision_found == Approx(reference_precision(scores, labels, 40)).epsilon(1e-9));
      precision += precision_found / 6;
    };
    check(task.same_sequence, level.verification.value().same_precision, level.verification->same_roc_area);
    check(task.other_sequence, level.verification->other_precision, level.verification->other_roc_area);
  }
  CHECK(result.verification_precision.value() == Approx(precision));
}

TEST_CASE("HPatches retrieval is the definition's") {
  Data data;
  const auto comparer = pixels();
  Random random(5);
  HPatchesRetrievalTask& task = data.protocol.retrieval.emplace();
  const auto any = [&] {
    const auto sequence = static_cast<std::int32_t>(random.below(3));
    return HPatchesPatch{sequence, 0,
                         static_cast<std::int32_t>(random.below(data.counts[static_cast<std::size_t>(sequence)]))};
  };
  for (int i = 0; i < 12; ++i) task.queries.push_back(any());
  for (int i = 0; i < 700; ++i) task.distractors.push_back(any());  // the second pool is cut short, the third ends
  const HPatchesResult result = evaluate_hpatches(*comparer, data.source(), data.protocol);
  for (const HPatchesLevel& level : result.levels) {
    CAPTURE(level.level);
    double sum = 0;
    for (const std::size_t pool : {100U, 500U, 1000U, 5000U, 10000U, 15000U, 20000U}) {
      for (const HPatchesPatch& query : task.queries) {
        std::vector<double> scores;
        for (std::int32_t strip = 1; strip <= 5; ++strip)
          scores.push_back(data.score(*comparer, level.level, {query, {query.sequence, strip, query.row}}));
        std::vector<int> labels(5, 1);
        for (const HPatchesPatch& distractor : task.distractors) {
          if (distractor.sequence != query.sequence)
            scores.push_back(data.score(*comparer, level.level, {query, distractor}));
        }
        scores.resize(std::min(scores.size(), pool));
        labels.resize(scores.size(), 0);
        sum += reference_precision(scores, labels, 5);
      }
    }
    CHECK(level.retrieval.value() == Approx(sum / 7 / 12).epsilon(1e-9));
  }
  CHECK(result.levels[2].retrieval.value() < 0.9);
}

TEST_CASE("HPatches levels that are not there are left out, strips that a task names must be there") {
  Data data(9, {40});
  const auto comparer = pixels();
  REQUIRE(evaluate_hpatches(*comparer, data.source(), data.protocol).levels.size() == 1);
  data.protocol.sequences = {"v_one", "v_three"};
  const HPatchesResult views = evaluate_hpatches(*comparer, data.source(), data.protocol);
  CHECK_FALSE(views.levels[0].matching.illumination);
  CHECK(views.matching == views.levels[0].matching.viewpoint);

  data.protocol.verification = draw_hpatches_verification(std::vector<std::int64_t>{40, 31}, 20);
  CHECK(evaluate_hpatches(*comparer, data.source(), data.protocol).verification_precision);
  data.sequence("v_three").strips[4] = "x4";
  CHECK_THROWS_WITH(evaluate_hpatches(*comparer, data.source(), data.protocol), "v_three: no strip e4");
  data.sequence("v_three").strips[0] = "x";
  CHECK_THROWS_WITH(evaluate_hpatches(*comparer, data.source(), data.protocol), "v_three: no strip ref");
  data.protocol.sequences.clear();
  CHECK_THROWS_AS(evaluate_hpatches(*comparer, data.source(), data.protocol), InvalidArgument);
}
