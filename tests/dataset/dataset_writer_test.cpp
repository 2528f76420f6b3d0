// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/dataset/dataset_writer.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "dataset_support.hpp"
#include "support/message.hpp"
#include "support/random.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/patches/pair_list.hpp"
#include "twinpatch/vision/patch_collections.hpp"

using namespace twinpatch;
using namespace twinpatch::test;

namespace {

/// `points` points with `views` patches each, in an order that mixes them.
void add_points(DatasetWriter& writer, int points, int views, std::uint64_t seed = 3) {
  const auto pixels = structured_patches(std::int64_t{points} * views, 64, 64, seed);
  std::vector<PatchRecord> records;
  for (int v = 0; v < views; ++v) {
    const auto image = writer.add_image("image " + std::to_string(v));
    for (int p = 0; p < points; ++p) {
      records.push_back({1000 - p, image, {.x = 100.F * static_cast<float>(p), .y = 50, .sigma = 2, .angle = 0.5F}});
    }
  }
  writer.add(records, {PixelType::u8, pixels.data(), std::int64_t{points} * views, 64, 64});
}

DatasetSummary write(const DatasetOptions& options, int points, int views) {
  DatasetWriter writer(options);
  add_points(writer, points, views);
  ThreadPool pool(2);
  return writer.finish(R"({"kind":"test"})", pool, {});
}

}  // namespace

TEST_CASE("a dataset has PhotoTour's layout, with the patches of a point side by side") {
  const TemporaryFolder folder;
  const DatasetSummary summary = write(quick_options(folder / "set"), 130, 3);
  CHECK(summary.patches == 390);
  CHECK(summary.points == 130);
  CHECK(summary.images == 3);
  CHECK(summary.matching_pairs == 390);
  CHECK(folder.names() == std::vector<std::string>{"set"});

  const PhotoTour read = read_photo_tour(folder / "set");
  REQUIRE(read.patches.size() == 390);
  // Points were given the numbers 1000, 999, …; they come out ascending, from 0.
  for (std::int64_t i = 0; i < 390; ++i) CHECK(read.points[static_cast<std::size_t>(i)] == i / 3);
  const auto pixels = structured_patches(390, 64, 64, 3);
  const auto* row = static_cast<const std::uint8_t*>(read.patches.view().pixels);
  // Row 4 is the second view (130 + …) of the second-highest index (128).
  CHECK(std::memcmp(row + 4 * 4096, pixels.data() + (130 + 128) * 4096, 4096) == 0);

  const auto files = file_contents(folder / "set");
  CHECK(files.contains("patches0001.png"));
  CHECK_FALSE(files.contains("patches0002.png"));
  CHECK(files.at("images.txt") == "0 image 0\n1 image 1\n2 image 2\n");
  CHECK(files.at("interest.txt").substr(0, 38) == "0 12900.000 50.000 0.50000 1.00000\n1 1");
  const auto manifest = nlohmann::json::parse(files.at("manifest.json"));
  CHECK(manifest["counts"]["points"] == 130);
  CHECK(manifest["source"]["kind"] == "test");
  CHECK(manifest["content_hash"] == summary.content_hash);
}

TEST_CASE("lists are balanced, truthful and without doubles") {
  const TemporaryFolder folder;
  DatasetOptions options = quick_options(folder / "set");
  options.list_sizes = {50, 100000};
  const DatasetSummary summary = write(options, 60, 4);
  REQUIRE(summary.lists == std::vector<std::string>{"m50_50_50_0.txt", "m50_360_360_0.txt", "hard50_10_10_0.txt"});
  CHECK(default_pair_list(folder / "set").filename() == "m50_360_360_0.txt");
  const auto points = read_photo_tour_info(folder / "set" / "info.txt");
  for (const std::string& name : summary.lists) {
    const PairList list = read_pair_list(folder / "set" / name);
    std::size_t matches = 0;
    std::set<std::pair<int, int>> seen;
    for (std::size_t i = 0; i < list.pairs.size(); ++i) {
      const auto [left, right] = list.pairs[i];
      CHECK(left != right);
      CHECK(seen.emplace(std::min(left, right), std::max(left, right)).second);
      const bool match = points[static_cast<std::size_t>(left)] == points[static_cast<std::size_t>(right)];
      CHECK((list.matches[i] != 0) == match);
      matches += match ? 1 : 0;
    }
    CHECK(2 * matches == list.pairs.size());
  }
}

TEST_CASE("the same seed gives the same bytes, another seed other lists") {
  const TemporaryFolder folder;
  DatasetOptions options = quick_options(folder / "a");
  const auto a = write(options, 40, 3);
  options.folder = folder / "b";
  const auto b = write(options, 40, 3);
  options.folder = folder / "c";
  options.seed = 2;
  const auto c = write(options, 40, 3);
  CHECK(file_contents(folder / "a") == file_contents(folder / "b"));
  CHECK(a.content_hash == b.content_hash);
  CHECK(a.content_hash != c.content_hash);
  CHECK(file_contents(folder / "a").at("patches0000.png") == file_contents(folder / "c").at("patches0000.png"));
}

TEST_CASE("points with one patch and flat patches are dropped and counted") {
  const TemporaryFolder folder;
  DatasetWriter writer(quick_options(folder / "set"));
  add_points(writer, 5, 2);
  const auto extra = structured_patches(1, 64, 64, 9);
  const std::vector<std::uint8_t> flat(4096, 77);
  const PatchRecord single{5000, 0, {.x = 1, .y = 1, .sigma = 1}};
  const PatchRecord grey{6000, 0, {.x = 1, .y = 1, .sigma = 1}};
  writer.add(std::span(&single, 1), {PixelType::u8, extra.data(), 1, 64, 64});
  writer.add(std::span(&grey, 1), {PixelType::u8, flat.data(), 1, 64, 64});
  ThreadPool pool(1);
  const auto summary = writer.finish("{}", pool, {});
  CHECK(summary.points == 5);
  CHECK(summary.patches == 10);
  CHECK(summary.dropped_single == 1);
  CHECK(summary.dropped_flat == 1);
}

TEST_CASE("max_views keeps some of a point's patches") {
  const TemporaryFolder folder;
  DatasetOptions options = quick_options(folder / "set");
  options.max_views = 3;
  const auto summary = write(options, 20, 7);
  CHECK(summary.patches == 60);
  CHECK(summary.dropped_views == 80);
}

TEST_CASE("a dataset with cannot make pairs is refused and leaves nothing") {
  const TemporaryFolder folder;
  const auto options = quick_options(folder / "set");
  CHECK(message_of<Error>([&] { write(options, 6, 1); }).find("cannot make pairs: 0 points with two patches") !=
        std::string::npos);
  CHECK(message_of<Error>([&] { write(options, 1, 6); }).find("1 points with two patches or more, at least 2") !=
        std::string::npos);
  CHECK(message_of<Error>([&] { write(options, 0, 2); }).find("cannot make pairs") != std::string::npos);
  CHECK(folder.names().empty());
}

TEST_CASE("an existing folder stays unless it is a dataset that may be replaced") {
  const TemporaryFolder folder;
  DatasetOptions options = quick_options(folder / "set");
  write(options, 8, 2);
  const auto before = file_contents(folder / "set");
  CHECK(message_of<Error>([&] { write(options, 9, 2); }).find("already exists (use --replace") != std::string::npos);
  options.replace = true;
  CHECK_THROWS_AS(write(options, 9, 1), Error);  // fails late: the old one stays
  CHECK(file_contents(folder / "set") == before);
  CHECK(write(options, 9, 2).points == 9);
  CHECK(folder.names() == std::vector<std::string>{"set"});

  std::filesystem::create_directory(folder / "holiday");
  write_text(folder / "holiday" / "beach.jpg", "precious");
  options.folder = folder / "holiday";
  CHECK(message_of<Error>([&] { write(options, 9, 2); }).find("has no manifest.json") != std::string::npos);
  CHECK(file_contents(folder / "holiday").at("beach.jpg") == "precious");
}

TEST_CASE("what a killed run left behind is cleared away, what others left is not") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "set.tmp");
  write_text(folder / "set.tmp" / "patches.raw", "half");
  CHECK(message_of<Error>([&] { write(quick_options(folder / "set"), 4, 2); }).find("is not an unfinished dataset") !=
        std::string::npos);
  write_text(folder / "set.tmp" / ".twinpatch-unfinished", "");
  CHECK(write(quick_options(folder / "set"), 4, 2).points == 4);
  CHECK(folder.names() == std::vector<std::string>{"set"});
}

TEST_CASE("a folder that cannot be made is reported") {
  const TemporaryFolder folder;
  CHECK(message_of<IoError>([&] {
          write(quick_options(folder / "missing" / "set"), 4, 2);
        }).find("cannot make the folder: No such file or directory") != std::string::npos);
  CHECK_THROWS_AS(write(quick_options(""), 4, 2), InvalidArgument);
}

TEST_CASE("options and patches that make no sense are refused") {
  const TemporaryFolder folder;
  DatasetOptions options = quick_options(folder / "set");
  options.extent = 0;
  CHECK(message_of<InvalidArgument>([&] { write(options, 4, 2); }) == "--patch-extent: must be positive");
  options = quick_options(folder / "set");
  options.list_sizes = {0};
  CHECK(message_of<InvalidArgument>([&] { write(options, 4, 2); }) == "--lists: sizes must be positive");
  options = quick_options(folder / "set");
  options.max_views = 1;
  CHECK_THROWS_AS(write(options, 4, 2), InvalidArgument);

  DatasetWriter writer(quick_options(folder / "set"));
  const auto pixels = structured_patches(1, 65, 65, 1);
  const PatchRecord record{0, 0, {}};
  CHECK_THROWS_AS(writer.add(std::span(&record, 1), PatchView{PixelType::u8, pixels.data(), 1, 64, 64}),
                  InvalidArgument);  // no image 0 yet
  (void)writer.add_image("one");
  CHECK_THROWS_AS(writer.add(std::span(&record, 1), PatchView{PixelType::u8, pixels.data(), 1, 65, 65}), ShapeError);
  CHECK_THROWS_AS(writer.add({}, PatchView{PixelType::u8, pixels.data(), 1, 64, 64}), InvalidArgument);
}
