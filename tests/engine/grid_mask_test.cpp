// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/small_engine.hpp"
#include "support/message.hpp"
#include "support/small_networks.hpp"
#include "twinpatch/cpu/backend.hpp"

// tests/backend/masked_grid_test.cpp has grids with masks on every engine.

namespace twinpatch::test {

TEST_CASE("rows of a mask ascend, and touching intervals become one") {
  GridMask mask(10);
  mask.add_row({});
  mask.add_row(std::vector<ColumnInterval>{{0, 2}, {2, 3}, {5, 10}});
  CHECK(mask.rows() == 2);
  CHECK(mask.pairs() == 8);
  CHECK(mask.row(0).empty());
  REQUIRE(mask.row(1).size() == 2);
  CHECK(mask.row(1)[0] == ColumnInterval{0, 3});
  for (const std::vector<ColumnInterval>& bad :
       {std::vector<ColumnInterval>{{3, 3}}, {{-1, 2}}, {{0, 11}}, {{4, 5}, {2, 3}}, {{0, 4}, {3, 6}}}) {
    CHECK_THROWS_AS(mask.add_row(bad), InvalidArgument);
    CHECK(mask.rows() == 2);
  }
}

TEST_CASE("a mask of another size than the grid is refused") {
  Rig rig(small_model(Coupling::siamese), 1 << 20, 8);
  const PatchSet left = small_patches(5, 1);
  const PatchSet right = small_patches(4, 2);
  GridMask mask(4);
  for (int i = 0; i < 4; ++i) mask.add_row({});
  CHECK(message_of<InvalidArgument>([&] { (void)rig.engine.grid(left, right, mask, {}); }) ==
        "a mask of 4 × 4 pairs for a grid of 5 × 4");
  mask.add_row({});
  CHECK(rig.engine.match(left, right, mask, {}).empty());
}

TEST_CASE("rivals outside a mask do not count") {
  // Left 0 and 1 are as right 0; right 1 is a little further away.
  const std::vector<std::uint8_t> values = {10, 20, 30, 40};
  const auto patches = [&](std::vector<int> shifts) {
    PatchSet set(std::ssize(shifts), 2, 2);
    for (std::int64_t i = 0; i < set.size(); ++i) {
      for (std::size_t k = 0; k < 4; ++k) {
        set.mutable_patch(i)[k] = static_cast<std::uint8_t>(values[k] + shifts[static_cast<std::size_t>(i)]);
      }
    }
    return set;
  };
  const PatchSet left = patches({0, 1});
  const PatchSet right = patches({0, 2});
  Rig rig(small_model(Coupling::siamese), 1 << 20, 8);
  const MatchRules rules{.mutual = true, .ratio = 0.75F};
  GridMask mask(2);
  mask.add_row(std::vector<ColumnInterval>{{1, 2}});
  mask.add_row(std::vector<ColumnInterval>{{0, 1}});
  const auto crossed = rig.engine.match(left, right, mask, rules);
  REQUIRE(crossed.size() == 2);  // neither the best in all nor mutual without the mask
  CHECK(crossed[0].right == 1);
  CHECK(crossed[1].right == 0);
}

TEST_CASE("a 2-channel network is asked about the pairs of a mask alone") {
  const Model model = random_model(tiny_two_channel(), 4);
  ExecutionOptions options;
  options.threads = 2;
  Engine engine(model, make_cpu_backend(options), options);
  const Extent size = model.spec.input.value_or(Extent{8, 8});
  const auto patches = [&](std::int64_t count, std::uint64_t seed) {
    PatchSet set(count, size.height, size.width);
    const auto pixels = structured_patches(count, size.height, size.width, seed);
    for (std::int64_t i = 0; i < count; ++i) {
      std::copy_n(pixels.data() + i * size.height * size.width, size.height * size.width, set.mutable_patch(i));
    }
    return set;
  };
  const PatchSet left = patches(9, 1);
  const PatchSet right = patches(11, 2);
  GridMask mask(11);
  std::vector<IndexPair> pairs;
  for (std::int32_t i = 0; i < 9; ++i) {
    mask.add_row(std::vector<ColumnInterval>{{i, i + 2}});
    pairs.insert(pairs.end(), {{i, i}, {i, i + 1}});
  }
  const std::vector<float> scores = engine.score(left.view(), right.view(), pairs);
  const Selected selected = engine.grid(left, right, mask, {.top_k = 2});
  for (std::int64_t i = 0; i < 9; ++i) {
    const float first = scores[static_cast<std::size_t>(2 * i)];
    const float second = scores[static_cast<std::size_t>(2 * i + 1)];
    CHECK(selected.scores[2 * i] == std::max(first, second));
    CHECK(selected.scores[2 * i + 1] == std::min(first, second));
    CHECK(selected.indices[2 * i] == (second > first ? i + 1 : i));
  }
}

}  // namespace twinpatch::test
