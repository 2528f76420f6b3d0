// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <functional>
#include <limits>
#include <string>

#include "support/message.hpp"
#include "support/temporary_folder.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/formats/npy.hpp"
#include "twinpatch/patches/candidate_lists.hpp"

namespace {

using namespace twinpatch;
using Catch::Contains;

/// A dataset in memory, to be damaged: images of 3, 0 and 2 patches; a list of two candidates and one of one.
struct Files {
  std::string manifest =
      R"({"schema": "twinpatch.candidates/1",
          "options": {"first": "hard128", "candidates": 4, "patch_extent": 20.0}})";
  std::vector<std::uint8_t> patches = std::vector<std::uint8_t>(std::size_t{5 * 4}, 7);
  std::vector<std::int32_t> images{3, 0, 2};
  std::vector<float> keypoints{1, 2, 3, 0.5F, 4, 5, 6, 0, 7, 8, 9, -3, 1, 1, 1, 1, 2, 2, 2, 2};
  std::vector<std::int32_t> lists{1, 2, 4, 1};
  std::vector<std::int32_t> candidates{4, 1, 3, 0, 1, 1};
  std::vector<float> measures{-0.25F, 1.5F, 0.125F, -0.5F, -0.75F, 40, 1, 3.14159265F, -0.25F, 1, 0, 0.5F};

  [[nodiscard]] CandidateLists write(const test::TemporaryFolder& folder) const {
    std::filesystem::create_directories(folder / "lists");
    const auto at = folder / "lists";
    folder.file("lists/manifest.json", manifest);
    const auto rows = [](const auto& values, std::int64_t columns) { return std::ssize(values) / columns; };
    write_npy<std::uint8_t>(at / "patches.npy", patches, {rows(patches, 4), 2, 2});
    write_npy<std::int32_t>(at / "images.npy", images, {rows(images, 1)});
    write_npy<float>(at / "keypoints.npy", keypoints, {rows(keypoints, 4), 4});
    write_npy<std::int32_t>(at / "lists.npy", lists, {rows(lists, 2), 2});
    write_npy<std::int32_t>(at / "candidates.npy", candidates, {rows(candidates, 2), 2});
    write_npy<float>(at / "measures.npy", measures, {rows(measures, 4), 4});
    return CandidateLists(at);
  }
};

std::string refusal(const std::function<void(Files&)>& damage) {
  const test::TemporaryFolder folder;
  Files files;
  damage(files);
  return test::message_of<FormatError>([&] { (void)files.write(folder); });
}

TEST_CASE("candidate lists are read as they were written", "[patches]") {
  const test::TemporaryFolder folder;
  const CandidateLists lists = Files().write(folder);
  CHECK(CandidateLists::is_at(folder / "lists"));
  CHECK(lists.name() == "lists");
  CHECK(lists.first() == "hard128");
  CHECK(lists.nearest() == 4);
  CHECK(lists.patch_extent() == 20);
  CHECK(lists.patches().count == 5);
  CHECK(*lists.patch(4) == 7);
  CHECK(lists.image_of(0) == 0);
  CHECK(lists.image_of(2) == 0);
  CHECK(lists.image_of(3) == 2);
  REQUIRE(lists.size() == 2);
  CHECK(lists.list(0).keypoint == 1);
  CHECK(lists.list(0).size() == 2);
  CHECK(lists.list(1).begin == 2);
  const Candidate candidate = lists.candidate(1);
  CHECK(candidate.patch == 3);
  CHECK_FALSE(candidate.mutual);
  CHECK(candidate.similarity == -0.75F);
  CHECK(candidate.distance == 40);
  CHECK(candidate.scale == 1);
  CHECK(candidate.angle == Approx(3.14159265));
  CHECK(lists.candidate(0).mutual);
}

TEST_CASE("candidate lists that contradict themselves are refused in one line", "[patches]") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto infinite = std::numeric_limits<float>::infinity();
  using F = Files&;
  CHECK_THAT(refusal([](F f) { f.manifest.replace(f.manifest.find("/1"), 2, "/2"); }),
             Contains("manifest.json") && Contains("expected the schema twinpatch.candidates/1") &&
                 Contains("twinpatch.candidates/2"));
  CHECK_THAT(refusal([](F f) { f.manifest = R"({"schema": "twinpatch.candidates/1"})"; }), Contains("options"));
  CHECK_THAT(refusal([](F f) { f.manifest = "no"; }), Contains("manifest.json"));
  CHECK_THAT(refusal([](F f) { f.images = {3, 1}; }), Contains("4 keypoints in 2 images") && Contains("5 patches"));
  CHECK_THAT(refusal([](F f) { f.images = {-1, 6}; }), Contains("images.npy: row 0") && Contains("-1"));
  CHECK_THAT(refusal([](F f) { f.keypoints.resize(16); }), Contains("4 keypoints") && Contains("5 patches"));
  CHECK_THAT(refusal([=](F f) { f.keypoints[9] = infinite; }), Contains("keypoints.npy: row 2"));
  CHECK_THAT(refusal([](F f) { f.keypoints[2] = 0; }), Contains("keypoints.npy: row 0") && Contains("sigma above 0"));
  CHECK_THAT(refusal([](F f) { f.lists[0] = 5; }), Contains("lists.npy: row 0: keypoint 5 of 5"));
  CHECK_THAT(refusal([](F f) { f.lists[2] = -1; }), Contains("lists.npy: row 1: keypoint -1 of 5"));
  CHECK_THAT(refusal([](F f) { f.lists[1] = 0; }), Contains("lists.npy: row 0: expected one candidate"));
  CHECK_THAT(refusal([](F f) { f.lists[3] = 2; }), Contains("lists.npy: row 1: candidates up to 4 of 3"));
  CHECK_THAT(refusal([](F f) { f.lists.resize(2); }), Contains("lists of 2 candidates, but candidates.npy has 3"));
  CHECK_THAT(refusal([](F f) {
               f.lists.clear();
               f.candidates.clear();
               f.measures.clear();
             }),
             Contains("no list"));
  CHECK_THAT(refusal([](F f) { f.candidates[0] = 5; }), Contains("candidates.npy: row 0: candidate 5 of 5"));
  CHECK_THAT(refusal([](F f) { f.candidates[0] = -4; }), Contains("candidates.npy: row 0: candidate -4 of 5"));
  CHECK_THAT(refusal([](F f) { f.candidates[1] = 2; }), Contains("expected mutual 0 or 1, found 2"));
  CHECK_THAT(refusal([](F f) { f.candidates[2] = 0; }), Contains("lies in the image of its keypoint 1"));
  CHECK_THAT(refusal([](F f) { f.candidates[2] = 4; }), Contains("lists.npy: row 0: candidate 4 is listed twice"));
  CHECK_THAT(refusal([](F f) { f.images = {3, 1, 1}; }), Contains("candidates 4 and 3 of one list lie in two images"));
  CHECK_THAT(refusal([](F f) { f.measures.resize(8); }), Contains("measures of 2 candidates"));
  for (std::size_t i = 0; i < 4; ++i)
    CHECK_THAT(refusal([=](F f) { f.measures[4 + i] = nan; }), Contains("measures.npy: row 1: expected a finite"));
  CHECK_THAT(refusal([=](F f) { f.measures[1] = infinite; }), Contains("measures.npy: row 0"));
  CHECK_THAT(refusal([](F f) { f.measures[1] = -1; }), Contains("distance of 0 or more"));
  CHECK_THAT(refusal([](F f) { f.measures[3] = 3.2F; }), Contains("angle within pi"));
  CHECK_THAT(refusal([](F f) { f.measures[4] = 0; }), Contains("measures.npy: row 1: similarity 0 after -0.25"));
}

TEST_CASE("candidate lists with files that are missing, cut or of another type are refused", "[patches]") {
  const test::TemporaryFolder folder;
  (void)Files().write(folder);
  const auto at = folder / "lists";
  CHECK_THROWS_AS(CandidateLists(folder / "absent"), IoError);
  CHECK_FALSE(CandidateLists::is_at(folder / "absent"));
  CHECK_FALSE(CandidateLists::is_at(folder / ""));
  for (const char* name :
       {"patches.npy", "images.npy", "keypoints.npy", "lists.npy", "candidates.npy", "measures.npy", "manifest.json"}) {
    INFO(name);
    const auto whole = read_file(at / name);
    for (std::size_t size = 0; size < whole.size(); size += 7) {
      folder.file(std::string("lists/") + name, std::string(reinterpret_cast<const char*>(whole.data()), size));
      CHECK_THROWS_AS(CandidateLists(at), FormatError);
    }
    std::filesystem::remove(at / name);
    CHECK_THROWS_AS(CandidateLists(at), IoError);
    folder.file(std::string("lists/") + name, std::string(reinterpret_cast<const char*>(whole.data()), whole.size()));
    CHECK_NOTHROW(CandidateLists(at));
  }
  write_npy<std::int64_t>(at / "lists.npy", std::vector<std::int64_t>{1, 2, 4, 1}, {2, 2});
  CHECK_THROWS_WITH(CandidateLists(at), Contains("lists.npy") && Contains("int64"));
  write_npy<std::int32_t>(at / "lists.npy", std::vector<std::int32_t>{1, 2, 4, 1}, {4});
  CHECK_THROWS_WITH(CandidateLists(at), Contains("expected an array of shape [N, 2], found [4]"));
}

}  // namespace
