// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>

#include "dataset_support.hpp"
#include "support/message.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/dataset/sources.hpp"

using namespace twinpatch;
using namespace twinpatch::test;

namespace {

namespace fs = std::filesystem;

/// Three photographs, one of them in a folder below, and a text file that is none of the tool's business.
fs::path write_photographs(const TemporaryFolder& folder) {
  const fs::path path = folder / "pictures";
  fs::create_directories(path / "older ones");
  write_image(path / "garden.png", textured_image(260, 210, 41));
  write_image(path / "wäll.jpg", textured_image(233, 251, 42));
  write_image(path / "older ones" / "sea.png", textured_image(240, 240, 43));
  write_text(path / "notes.txt", "not a picture");
  return path;
}

PhotographDatasetOptions options_for(const TemporaryFolder& folder, const std::vector<fs::path>& paths) {
  PhotographDatasetOptions options;
  options.dataset = quick_options(folder / "set");
  options.paths = paths;
  options.warp.views = 3;
  options.sequence.max_points = 40;
  return options;
}

DatasetSummary make(const PhotographDatasetOptions& options) {
  ThreadPool pool(2);
  return dataset_from_photographs(options, pool, {});
}

}  // namespace

TEST_CASE("photographs become a dataset whose points show one thing") {
  const TemporaryFolder folder;
  auto options = options_for(folder, {write_photographs(folder)});
  options.warp.light = 0.3;
  options.warp.tilt = 1.3;
  const auto summary = make(options);
  CHECK(summary.images == 12);
  CHECK(summary.points > 60);
  CHECK(summary.points <= 120);
  const Likeness like = likeness(read_dataset(folder / "set"));
  CAPTURE(like.same, like.other);
  CHECK(like.same > 0.6);
  CHECK(like.other < 0.3);
  const auto files = file_contents(folder / "set");
  CHECK(files.at("images.txt").substr(0, 42) == "0 pictures/garden.png\n1 pictures/garden.pn");
  const auto manifest = nlohmann::json::parse(files.at("manifest.json"));
  CHECK(manifest["source"]["inputs"].size() == 3);
  CHECK(manifest["source"]["inputs"][1]["name"] == "pictures/older ones/sea.png");
  // Where the pictures lie on this disk is nobody's business.
  CHECK(files.at("manifest.json").find(folder.path().string()) == std::string::npos);
}

TEST_CASE("the same photographs and seed give the same bytes, another seed others") {
  const TemporaryFolder folder;
  auto options = options_for(folder, {write_photographs(folder)});
  make(options);
  options.dataset.folder = folder / "again";
  make(options);
  CHECK(file_contents(folder / "set") == file_contents(folder / "again"));
  options.dataset.folder = folder / "other";
  options.dataset.seed = 9;
  make(options);
  CHECK(file_contents(folder / "set").at("patches0000.png") != file_contents(folder / "other").at("patches0000.png"));
}

TEST_CASE("a photograph's patches do not depend on which others are there") {
  const TemporaryFolder folder;
  const auto pictures = write_photographs(folder);
  auto options = options_for(folder, {pictures});
  make(options);
  fs::remove(pictures / "wäll.jpg");
  fs::remove_all(pictures / "older ones");
  options.dataset.folder = folder / "less";
  make(options);
  const ReadDataset all = read_dataset(folder / "set");
  const ReadDataset less = read_dataset(folder / "less");
  REQUIRE(less.patches.size() > 20);
  REQUIRE(all.patches.size() > less.patches.size());
  for (std::size_t i = 0; i < less.patches.size(); ++i) CHECK(all.patches[i] == less.patches[i]);
}

TEST_CASE("pictures that are broken or too small are left out and counted") {
  const TemporaryFolder folder;
  const auto pictures = write_photographs(folder);
  write_text(pictures / "broken.jpg", "\xff\xd8\xff nothing more");
  write_text(pictures / "empty.png", "");
  write_image(pictures / "icon.png", textured_image(16, 16, 44));
  const auto summary = make(options_for(folder, {pictures}));
  CHECK(summary.images == 12);
  const auto manifest = nlohmann::json::parse(file_contents(folder / "set").at("manifest.json"));
  REQUIRE(manifest["source"]["left_out"].size() == 3);
  CHECK(manifest["source"]["left_out"][0]["name"] == "pictures/broken.jpg");
  CHECK(manifest["source"]["left_out"][2]["reason"] == "16x16 pixels: too small");
  REQUIRE(summary.left_out.size() == 3);
  CHECK(summary.left_out[0].name == "pictures/broken.jpg");
  CHECK(summary.left_out[0].reason.find("truncated JPEG file") != std::string::npos);
  CHECK(summary.left_out[1].reason.find("empty file") != std::string::npos);
  for (const auto& input : summary.left_out) CHECK(input.reason.find(folder.path().string()) == std::string::npos);
}

TEST_CASE("folders that cannot be listed are named, and the others searched") {
  const bool root = ::geteuid() == 0;
  if (root && ::seteuid(65534) != 0) {
    WARN("skipped: root may read everything, and cannot become another user here");
    return;
  }
  {
    const TemporaryFolder folder;
    const auto pictures = write_photographs(folder);
    fs::create_directory(pictures / "lost+found");
    fs::permissions(pictures / "lost+found", fs::perms::none);
    const auto summary = make(options_for(folder, {pictures}));
    CHECK(summary.images == 12);
    REQUIRE(summary.left_out.size() == 1);
    CHECK(summary.left_out[0].name == "pictures/lost+found");
    CHECK(summary.left_out[0].reason == "the folder cannot be listed: Permission denied");
    CHECK(message_of<IoError>([&] {
            make(options_for(folder, {pictures / "lost+found"}));
          }).find("lost+found: cannot list") != std::string::npos);
    fs::permissions(pictures / "lost+found", fs::perms::owner_all);
  }
  if (root) REQUIRE(::seteuid(0) == 0);
}

TEST_CASE("nothing to make a dataset of is an error that leaves nothing") {
  const TemporaryFolder folder;
  fs::create_directory(folder / "none");
  write_text(folder / "none" / "broken.jpg", "x");
  CHECK(message_of<Error>([&] {
          make(options_for(folder, {folder / "none"}));
        }).find("no readable photograph among 1 files") != std::string::npos);
  CHECK(message_of<IoError>([&] { make(options_for(folder, {folder / "absent"})); }).find("no such file or folder") !=
        std::string::npos);
  CHECK_THROWS_AS(make(options_for(folder, {})), InvalidArgument);
  GrayImage flat(200, 200);
  for (int y = 0; y < 200; ++y) std::fill_n(flat.row(y), 200, std::uint8_t{99});
  write_image(folder / "none" / "fog.png", flat);
  CHECK(message_of<Error>([&] {
          make(options_for(folder, {folder / "none" / "fog.png"}));
        }).find("cannot make pairs") != std::string::npos);
  CHECK(folder.names() == std::vector<std::string>{"none"});
}

TEST_CASE("options out of range are named") {
  const TemporaryFolder folder;
  const auto refused = [&](auto change) {
    auto options = options_for(folder, {folder.path()});
    change(options.warp);
    return message_of<InvalidArgument>([&] { make(options); });
  };
  CHECK(refused([](WarpOptions& w) { w.views = 0; }) == "--views: must be at least 1");
  CHECK(refused([](WarpOptions& w) { w.scale = 0.5; }) == "--scale: must be at least 1");
  CHECK(refused([](WarpOptions& w) { w.tilt = 0; }) == "--tilt: must be at least 1");
  CHECK(refused([](WarpOptions& w) { w.perspective = 1; }).find("--perspective") == 0);
  CHECK(refused([](WarpOptions& w) { w.jpeg_quality = 0; }).find("--jpeg-quality") == 0);
}
