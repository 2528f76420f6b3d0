// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/evaluate/verification.hpp"

#include <catch2/catch.hpp>

#include "support/random.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/evaluate/comparer.hpp"

using namespace twinpatch;

namespace {

std::unique_ptr<Comparer> comparer_of(const char* name) {
  return network_comparer(name, std::make_shared<Engine>(random_model(network(name), 5), ExecutionOptions{}));
}

PairList four_pairs() {
  PairList list;
  list.pairs = {{0, 1}, {2, 3}, {0, 4}, {2, 5}};
  list.matches = {1, 1, 0, 0};
  return list;
}

}  // namespace

TEST_CASE("a network that takes no square patches is evaluated on patches of its own size") {
  const auto pixels = test::structured_patches(6, 56, 46, 8);
  const PatchView patches{PixelType::u8, pixels.data(), 6, 56, 46};
  const PairList list = four_pairs();
  const auto chopra = comparer_of("chopra-2005");
  CHECK(chopra->takes(56, 46));
  CHECK_FALSE(chopra->takes(56, 56));
  const auto result = evaluate_pairs(*chopra, patches, list, {});
  CHECK(result.scores == chopra->score(patches, patches, list.pairs));
  CHECK(result.matches == 2);
  CHECK(result.others == 2);
  // Others get them resized, and so do the baselines.
  const auto other = test::structured_patches(6, 46, 46, 9);
  const PatchView square{PixelType::u8, other.data(), 6, 46, 46};
  CHECK(evaluate_pairs(*comparer_of("siam"), square, list, {}).scores.size() == 4);
  CHECK_THROWS_AS(evaluate_pairs(*chopra, square, list, {}), ShapeError);
  for (const auto& baseline : baselines()) CHECK(evaluate_pairs(*baseline, patches, list, {}).scores.size() == 4);
}

TEST_CASE("verification of a list of pairs, and lists without the truth") {
  const auto pixels = test::structured_patches(20, 16, 16, 2);
  const PatchView patches{PixelType::u8, pixels.data(), 20, 16, 16};
  PairList list;
  for (std::int32_t i = 0; i < 20; ++i) {
    list.pairs.push_back({i, i});
    list.matches.push_back(1);
    list.pairs.push_back({i, (i + 1) % 20});
    list.matches.push_back(0);
  }
  const auto comparer = descriptor_comparer("pixels", 16, normalised_pixels);
  const VerificationResult result = evaluate_pairs(*comparer, patches, list);
  CHECK(result.roc_auc == 1.0);
  CHECK(result.matches == 20);
  CHECK(result.scores.size() == 40);
  for (const double figure : result.fpr95) CHECK(figure == 0.0);
  list.matches.clear();
  CHECK_THROWS_AS(evaluate_pairs(*comparer, patches, list), InvalidArgument);
}

TEST_CASE("every score of a grid is that of the list, from networks, descriptors and whatever has only lists") {
  const auto left_pixels = test::structured_patches(7, 64, 64, 4);
  const auto right_pixels = test::structured_patches(5, 64, 64, 5);
  const PatchView left{PixelType::u8, left_pixels.data(), 7, 64, 64};
  const PatchView right{PixelType::u8, right_pixels.data(), 5, 64, 64};
  std::vector<std::shared_ptr<Comparer>> comparers{comparer_of("siam-l2"), std::move(baselines().back()),
                                                   comparer_of("2ch")};
  comparers.push_back(reranking_comparer(comparers[1], comparer_of("siam"), 2));
  for (const auto& comparer : comparers) {
    CAPTURE(comparer->name());
    CHECK(comparer->measures_distances() == (comparer->name() == "siam-l2" || comparer->name() == "root-SIFT"));
    std::vector<IndexPair> pairs;
    for (std::int32_t i = 0; i < 35; ++i) pairs.push_back({i / 5, i % 5});
    const std::vector<float> listed = comparer->score(left, right, pairs);
    std::vector<int> seen(35, 0);
    comparer->every(left, right, [&](std::int64_t first_row, std::int64_t first_column, MatrixView scores) {
      for (std::int64_t i = 0; i < scores.rows; ++i) {
        for (std::int64_t j = 0; j < scores.columns; ++j) {
          const auto at = static_cast<std::size_t>((first_row + i) * 5 + first_column + j);
          ++seen[at];
          CHECK(scores.row(i)[static_cast<std::size_t>(j)] == Approx(listed[at]).margin(1e-4));
        }
      }
    });
    CHECK(seen == std::vector<int>(35, 1));
  }
}
