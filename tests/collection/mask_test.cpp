// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "collection/rig.hpp"
#include "support/message.hpp"

// Keypoints under a mask: as if they were not there, but every other one keeps its number.

using namespace twinpatch;
using namespace twinpatch::test;
using Catch::Contains;

namespace {

/// Hides some keypoints of every image, and all of image 5.
struct Masked final : WrappedSource {
  Masked(const ImageSource& inner, std::uint64_t seed) : WrappedSource(inner) {
    Random random(seed);
    for (std::int64_t i = 0; i < inner.size(); ++i) {
      std::vector<bool> mask(static_cast<std::size_t>(inner.keypoint_count(i)));
      for (std::size_t k = 0; k < mask.size(); ++k) mask[k] = i == 5 || random.below(3) == 0;
      masks.push_back(mask);
    }
    masks[2] = {};  // an image without a mask
  }
  std::vector<bool> masked_keypoints(std::int64_t image) const override {
    return masks[static_cast<std::size_t>(image)];
  }
  /// Numbers of the keypoints that are left.
  std::vector<std::int32_t> left(std::int64_t image) const {
    std::vector<std::int32_t> numbers;
    for (std::int32_t k = 0; k < keypoint_count(image); ++k) {
      const auto& mask = masks[static_cast<std::size_t>(image)];
      if (mask.empty() || !mask[static_cast<std::size_t>(k)]) numbers.push_back(k);
    }
    return numbers;
  }
  std::vector<std::vector<bool>> masks;
};

/// Images that have only the keypoints that are left, matched, with the numbers put back.
AllMatches expected_of(Engine& engine, const Masked& masked, const PairSelection& pairs) {
  MemoryImageSource cut;
  for (std::int64_t i = 0; i < masked.size(); ++i) {
    const PatchSet all = masked.patches(i);
    const auto left = masked.left(i);
    PatchSet some(std::ssize(left), all.view().height, all.view().width);
    for (std::size_t k = 0; k < left.size(); ++k) {
      std::memcpy(some.mutable_patch(static_cast<std::int64_t>(k)), all.view().slice(left[k], 1).pixels,
                  static_cast<std::size_t>(all.view().patch_bytes()));
    }
    cut.add(masked.name(i), std::move(some));
  }
  AllMatches expected = expected_matches(engine, cut, pairs, {});
  for (auto& [pair, matches] : expected) {
    const auto left = masked.left(pair.first);
    const auto right = masked.left(pair.second);
    for (Match& match : matches) {
      match.left = left[static_cast<std::size_t>(match.left)];
      match.right = right[static_cast<std::size_t>(match.right)];
    }
  }
  return expected;
}

}  // namespace

TEST_CASE("keypoints under a mask are not matched, and the others keep their numbers") {
  const Tiny kind = GENERATE(Tiny::l2, Tiny::head, Tiny::pseudo_head, Tiny::two_channel);
  Rig rig(kind, 13);
  const Masked masked(rig.source, 3);
  const auto folder = rig.folder / "run";
  const auto run = [&](const ImageSource& source) {
    const auto plan = make_plan(rig.engine, source, rig.pairs, {.tile_keypoints = 90, .folder = folder});
    return run_collection({rig.engine, source, rig.pairs, plan}, {folder, folder / "descriptors"});
  };
  const auto first = run(masked);
  const auto all = matches_of(folder);
  CHECK(all == expected_of(rig.engine, masked, rig.pairs));
  for (const auto& [pair, matches] : all) {
    if (pair.first == 5 || pair.second == 5) CHECK(matches.empty());
  }
  CHECK(first.matches > 0);

  // Without masks, and with other ones: only what has another mask is done again, from descriptors that are there.
  const auto unmasked = run(rig.source);
  CHECK(matches_of(folder) == expected_matches(rig.engine, rig.source, rig.pairs, {}));
  if (kind != Tiny::two_channel) CHECK(unmasked.described < rig.plan.keypoints() / 2);  // image 5, and last images
  Masked other = masked;
  other.masks[7].flip();
  run(masked);
  CHECK(run(other).pairs == 12);
  CHECK(matches_of(folder) == expected_of(rig.engine, other, rig.pairs));
}

TEST_CASE("a mask of another number of keypoints is refused by name") {
  Rig rig(Tiny::l2, 5);
  Masked masked(rig.source, 3);
  masked.masks[1].push_back(true);
  const auto plan = make_plan(rig.engine, masked, rig.pairs, {});
  CHECK_THAT(message_of<InvalidArgument>([&] {
               match_collection({rig.engine, masked, rig.pairs, plan}, [](ImagePair, std::span<const Match>) {});
             }),
             Contains("a mask of"));
}
