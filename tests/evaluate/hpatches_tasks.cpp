// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/evaluate/hpatches_tasks.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "twinpatch/core/error.hpp"
#include "twinpatch/evaluate/verification.hpp"

namespace {

using namespace twinpatch;

constexpr int kSide = 8;

/// Random patches; a strip is its reference plus noise of the given strength.
PatchSet noise_patches(std::mt19937_64& random, std::int64_t count) {
  PatchSet patches(count, kSide, kSide);
  for (std::int64_t i = 0; i < count; ++i) {
    for (int pixel = 0; pixel < kSide * kSide; ++pixel) {
      patches.mutable_patch(i)[pixel] = static_cast<std::uint8_t>(random() % 256);
    }
  }
  return patches;
}

PatchSet disturbed(std::mt19937_64& random, PatchView source, double strength) {
  PatchSet patches(source.count, source.height, source.width);
  std::normal_distribution<double> noise(0, strength);
  const auto* pixels = static_cast<const std::uint8_t*>(source.pixels);
  for (std::int64_t i = 0; i < source.count * kSide * kSide; ++i) {
    patches.mutable_patch(0)[i] = static_cast<std::uint8_t>(std::clamp(pixels[i] + noise(random), 0.0, 255.0));
  }
  return patches;
}

std::vector<HPatchesSequence> sequences(double strength) {
  std::mt19937_64 random(9);
  std::vector<HPatchesSequence> result;
  for (int s = 0; s < 3; ++s) {
    HPatchesSequence sequence;
    sequence.name = "s" + std::to_string(s);
    sequence.strips = {"ref", "e1", "e2", "t1"};
    sequence.patches.push_back(noise_patches(random, 40));
    for (int strip = 1; strip < 4; ++strip) {
      sequence.patches.push_back(disturbed(random, sequence.patches.front().view(), strip == 3 ? strength : 5));
    }
    result.push_back(std::move(sequence));
  }
  return result;
}

TEST_CASE("HPatches tasks: easy strips are solved, hopeless ones are chance") {
  const auto pixels = descriptor_comparer("pixels", kSide, normalised_pixels);
  const HPatchesResult result = evaluate_hpatches(*pixels, sequences(4000), {});
  REQUIRE(result.levels.size() == 2);  // there is no h strip
  const HPatchesLevel& easy = result.levels[0];
  CHECK(easy.level == 'e');
  CHECK(easy.verification_same == Approx(1.0));
  CHECK(easy.verification_other == Approx(1.0));
  CHECK(easy.matching == Approx(1.0));
  CHECK(easy.retrieval == Approx(1.0));
  const HPatchesLevel& tough = result.levels[1];
  CHECK(tough.level == 't');
  CHECK(tough.verification_same < 0.75);
  CHECK(tough.matching < 0.2);
  CHECK(tough.retrieval < 0.3);
}

TEST_CASE("HPatches tasks are the same for the same seed and need two sequences") {
  const auto pixels = descriptor_comparer("pixels", kSide, normalised_pixels);
  const std::vector<HPatchesSequence> data = sequences(60);
  const HPatchesResult once = evaluate_hpatches(*pixels, data, {});
  const HPatchesResult twice = evaluate_hpatches(*pixels, data, {});
  CHECK(once.levels[1].verification_same == twice.levels[1].verification_same);
  CHECK(once.levels[1].retrieval == twice.levels[1].retrieval);
  CHECK_THROWS_AS(evaluate_hpatches(*pixels, std::span(data).first(1), {}), InvalidArgument);
}

TEST_CASE("verification of a list of pairs, and lists without the truth") {
  std::mt19937_64 random(2);
  const PatchSet patches = noise_patches(random, 20);
  PairList list;
  for (std::int32_t i = 0; i < 20; ++i) {
    list.pairs.push_back({i, i});
    list.matches.push_back(1);
    list.pairs.push_back({i, (i + 1) % 20});
    list.matches.push_back(0);
  }
  const auto pixels = descriptor_comparer("pixels", kSide, normalised_pixels);
  const VerificationResult result = evaluate_pairs(*pixels, patches.view(), list);
  CHECK(result.roc_auc == 1.0);
  CHECK(result.matches == 20);
  CHECK(result.scores.size() == 40);
  for (const double figure : result.fpr95) CHECK(figure == 0.0);
  list.matches.clear();
  CHECK_THROWS_AS(evaluate_pairs(*pixels, patches.view(), list), InvalidArgument);
}

}  // namespace
