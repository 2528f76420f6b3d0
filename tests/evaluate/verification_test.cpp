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
