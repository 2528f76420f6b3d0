// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

#include "dataset_support.hpp"
#include "plane_scene.hpp"
#include "support/message.hpp"
#include "support/random.hpp"
#include "twinpatch/dataset/candidates.hpp"
#include "twinpatch/patches/candidate_lists.hpp"
#include "twinpatch/vision/keypoint.hpp"

using namespace twinpatch;
using namespace twinpatch::test;
using Catch::Contains;

namespace {

namespace fs = std::filesystem;

/// Random projections of normalised patches: alike where patches are alike, and a blink to compute.
Model projections(Coupling coupling = Coupling::siamese) {
  NetworkSpec spec;
  spec.name = "projections";
  spec.input = Extent{64, 64};
  spec.coupling = coupling;
  spec.streams = {Stream{{}, {Linear{64 * 64 * (coupling == Coupling::two_channel ? 2 : 1), 32}}}};
  spec.decision = DecisionMetric{DecisionMetric::Kind::l2, true};
  if (coupling == Coupling::two_channel) spec.decision = DecisionLayers{{Linear{32, 1}}};
  return random_model(spec, 3);
}

struct Maker {
  explicit Maker(Coupling coupling = Coupling::siamese)
      : engine(projections(coupling), {.device = "cpu", .threads = 1}) {}
  Engine engine;
  ThreadPool pool{1};
  RunControl control;
  [[nodiscard]] CandidateFinder finder() { return {engine, pool, control}; }
};

CandidateOptions options_for(const fs::path& folder) {
  CandidateOptions options;
  options.folder = folder;
  options.max_keypoints = 60;
  options.nearest = 3;
  options.extent = 12;
  return options;
}

/// What the dataset says of keypoints, from its own arrays.
struct Stored {
  explicit Stored(const fs::path& folder)
      : lists(folder), keypoints(read_keypoints(folder / "keypoints.npy")), images(read_npy(folder / "images.npy")) {}
  CandidateLists lists;
  std::vector<Keypoint> keypoints;
  NpyArray images;
};

/// Every list against the homographies and the definition of its measures.
void check_geometry(const Stored& stored, const std::vector<Homography>& from_first) {
  std::int64_t within = 0;
  for (std::int64_t i = 0; i < stored.lists.size(); ++i) {
    const auto list = stored.lists.list(i);
    const Keypoint& own = stored.keypoints[static_cast<std::size_t>(list.keypoint)];
    const auto from = static_cast<std::size_t>(stored.lists.image_of(list.keypoint));
    bool near = false;
    for (std::int64_t c = list.begin; c < list.end; ++c) {
      const Candidate candidate = stored.lists.candidate(c);
      const Keypoint& other = stored.keypoints[static_cast<std::size_t>(candidate.patch)];
      const auto to = static_cast<std::size_t>(stored.lists.image_of(candidate.patch));
      const auto there = carry_over(own, product(from_first[to], inverse(from_first[from])));
      REQUIRE(there);
      CHECK(candidate.distance == Approx(std::hypot(other.x - there->x, other.y - there->y)).margin(1e-3));
      CHECK(candidate.scale == Approx(std::log2(other.sigma / there->sigma)).margin(1e-4));
      const double angle = candidate.angle - (double{other.angle} - there->angle);
      CHECK(std::remainder(angle, 2 * std::numbers::pi) == Approx(0).margin(1e-3));
      near = near || candidate.distance < 3;
    }
    within += near ? 1 : 0;
  }
  CHECK(within > stored.lists.size() / 5);
}

TEST_CASE("candidates of a sequence are the nearest of both directions, with their true distances") {
  const TemporaryFolder folder;
  const auto sequence = write_sequence(folder, "wall", 31);
  Maker maker;
  const auto summary = candidates_from_homographies(options_for(folder / "lists"), {sequence}, maker.finder());
  CHECK(summary.images == 3);
  CHECK(summary.image_pairs == 3);
  const Stored stored(folder / "lists");
  CHECK(stored.lists.size() == summary.lists);
  CHECK(stored.lists.first() == "projections");
  CHECK(stored.lists.nearest() == 3);
  CHECK(stored.lists.patch_extent() == 12);
  CHECK(stored.lists.patches().count == summary.patches);
  std::vector<Homography> from_first{{1, 0, 0, 0, 1, 0, 0, 0, 1}};
  for (const char* name : {"H1to2p", "H1to3p"}) from_first.push_back(read_homography(sequence / name));
  check_geometry(stored, from_first);

  // By the definition: all similarities of the first image's keypoints to the second's.
  const auto counts = stored.images.values<std::int32_t>();
  const auto left = stored.lists.patches().slice(0, counts[0]);
  const auto right = stored.lists.patches().slice(counts[0], counts[1]);
  std::vector<IndexPair> all;
  for (std::int32_t l = 0; l < counts[0]; ++l)
    for (std::int32_t r = 0; r < counts[1]; ++r) all.push_back({l, r});
  const auto scores = maker.engine.score(left, right, all);
  const auto score = [&](std::int32_t l, std::int32_t r) {
    return scores[static_cast<std::size_t>(l * counts[1] + r)];
  };
  const auto better = [&](std::int32_t l, std::int32_t r, bool of_left) {
    int count = 0;
    for (std::int32_t k = 0; k < (of_left ? counts[1] : counts[0]); ++k)
      count += (of_left ? score(l, k) : score(k, r)) > score(l, r) ? 1 : 0;
    return count;
  };
  std::size_t listed = 0;
  for (std::int64_t i = 0; i < stored.lists.size(); ++i) {
    const auto list = stored.lists.list(i);
    if (list.keypoint >= counts[0]) break;  // lists of the first image's keypoints, the second's first
    for (std::int64_t c = list.begin; c < list.end; ++c) {
      const Candidate candidate = stored.lists.candidate(c);
      const std::int32_t r = candidate.patch - counts[0];
      if (r >= counts[1]) continue;
      CHECK((better(list.keypoint, r, true) < 3 || better(list.keypoint, r, false) < 3));
      CHECK(candidate.similarity == Approx(score(list.keypoint, r)).margin(1e-4));
      const bool mutual = better(list.keypoint, r, true) == 0 && better(list.keypoint, r, false) == 0;
      CHECK(candidate.mutual == mutual);
      ++listed;
    }
  }
  std::size_t expected = 0;
  for (const auto& [l, r] : all) expected += better(l, r, true) < 3 || better(l, r, false) < 3 ? 1 : 0;
  CHECK(listed == expected);
}

TEST_CASE("the same photographs and seed give the same lists, and what is unreadable is named") {
  const TemporaryFolder folder;
  fs::create_directories(folder / "pictures");
  write_image(folder / "pictures" / "a.png", textured_image(220, 180, 5));
  folder.file("pictures/b.jpg", "no picture");
  Maker maker;
  PhotographViews views{{folder / "pictures"}, {.views = 2}, 200};
  const auto first = candidates_from_photographs(options_for(folder / "one"), views, maker.finder());
  CHECK(first.images == 3);
  REQUIRE(first.left_out.size() == 1);
  CHECK(first.left_out[0].name == "pictures/b.jpg");
  const auto second = candidates_from_photographs(options_for(folder / "two"), views, maker.finder());
  CHECK(first.content_hash == second.content_hash);
  auto other = options_for(folder / "three");
  other.seed = 9;
  CHECK(candidates_from_photographs(other, views, maker.finder()).content_hash != first.content_hash);
  const auto manifest = nlohmann::json::parse(file_contents(folder / "one").at("manifest.json"));
  CHECK(manifest.at("source").at("left_out").size() == 1);
  CHECK(manifest.at("options").at("first") == "projections");
  CHECK_FALSE(file_contents(folder / "one").contains("descriptors.npy"));
  CHECK(file_contents(folder / "one").at("images.txt") == "0 pictures/a.png\n1 pictures/a.png#1\n2 pictures/a.png#2\n");
}

TEST_CASE("candidates of a reconstruction have the distances of its geometry") {
  const PlaneScene scene;
  Maker maker;
  auto options = options_for(scene.folder / "lists");
  options.max_keypoints = 150;
  const ReconstructedImages images{scene.folder / "sparse", scene.folder / "images", {}, 3};
  const auto summary = candidates_from_colmap(options, images, maker.finder());
  CHECK(summary.images == 4);
  CHECK(summary.image_pairs == 6);
  CHECK(summary.lists > 100);
  CHECK(summary.lists_within > summary.lists / 5);
  const Stored stored(scene.folder / "lists");
  double largest = 0;
  for (std::int64_t i = 0; i < stored.lists.size(); ++i) {
    const auto list = stored.lists.list(i);
    const Keypoint& own = stored.keypoints[static_cast<std::size_t>(list.keypoint)];
    for (std::int64_t c = list.begin; c < list.end; ++c) {
      const Candidate candidate = stored.lists.candidate(c);
      const Keypoint& other = stored.keypoints[static_cast<std::size_t>(candidate.patch)];
      const auto there = scene.carried(own, static_cast<std::size_t>(stored.lists.image_of(list.keypoint)),
                                       static_cast<std::size_t>(stored.lists.image_of(candidate.patch)));
      REQUIRE(there);
      // Detected keypoints are up to 2 pixels from the model's.
      const double distance = std::hypot(other.x - there->x, other.y - there->y);
      largest = std::max(largest, std::abs(candidate.distance - distance));
      // A surface with few points about it is taken to face the cameras.
      CHECK(candidate.scale == Approx(std::log2(other.sigma / there->sigma)).margin(0.2));
    }
  }
  CHECK(largest < 2.5);
}

TEST_CASE("candidates that cannot be found are refused, and nothing is left") {
  const TemporaryFolder folder;
  const auto sequence = write_sequence(folder, "wall", 32);
  Maker maker;
  const auto refusal = [&](Maker& by, const CandidateOptions& options, const fs::path& from) {
    auto message = message_of<Error>([&] { (void)candidates_from_homographies(options, {from}, by.finder()); });
    CHECK_FALSE(fs::exists(folder / "lists"));
    CHECK_FALSE(fs::exists(folder / "lists.tmp"));
    return message;
  };
  Maker pairs(Coupling::two_channel);
  CHECK_THAT(refusal(pairs, options_for(folder / "lists"), sequence), Contains("finds no candidates"));
  Maker pseudo(Coupling::pseudo_siamese);
  CHECK_THAT(refusal(pseudo, options_for(folder / "lists"), sequence), Contains("a tower for each side"));
  auto options = options_for(folder / "lists");
  options.nearest = 0;
  CHECK_THAT(refusal(maker, options, sequence), Contains("--candidates"));
  CHECK_THAT(refusal(maker, options_for(folder / "lists"), folder / "absent"), Contains("is not a folder"));
  fs::create_directories(folder / "flat");
  for (const char* name : {"img1.pgm", "img2.pgm"}) {
    GrayImage flat(120, 100);
    std::fill(flat.row(0), flat.row(0) + 120 * 100, std::uint8_t{90});
    write_image(folder / "flat" / name, flat);
  }
  write_text(folder / "flat" / "H1to2p", "1 0 0\n0 1 0\n0 0 1\n");
  CHECK_THAT(refusal(maker, options_for(folder / "lists"), folder / "flat"), Contains("no list: 0 keypoints"));
  ReconstructedImages images;
  images.partners = 0;
  CHECK_THROWS_WITH(candidates_from_colmap(options_for(folder / "lists"), images, maker.finder()),
                    Contains("--partners"));
}

}  // namespace
