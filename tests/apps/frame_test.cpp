// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fstream>

#include "apps/frame/outputs.hpp"
#include "apps/frame/progress.hpp"
#include "apps/frame/suggest.hpp"
#include "support/temporary_folder.hpp"

using namespace twinpatch;
using namespace twinpatch::app;

TEST_CASE("distance between words counts swapped neighbours once") {
  CHECK(edit_distance("match", "match") == 0);
  CHECK(edit_distance("mtach", "match") == 1);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("kitten", "sitting") == 3);
}

TEST_CASE("the nearest word is offered only where it is near") {
  const std::vector<std::string> commands{"match", "describe", "score", "grid", "eval"};
  CHECK(nearest("mach", commands) == "match");
  CHECK(nearest("desc", commands) == "describe");
  CHECK(nearest("gird", commands) == "grid");
  CHECK(nearest("colmap", commands).empty());
  CHECK(nearest("", commands).empty());
}

TEST_CASE("outputs at one place or over an input or without a folder are refused") {
  const test::TemporaryFolder folder;
  const auto input = folder.file("input.npy", "x");
  const auto check = [](const std::vector<std::string>& outputs, const std::filesystem::path& read) {
    Outputs all;
    all.add_input(read);
    for (const auto& path : outputs) all.add("-o", path);
    all.check();
  };
  CHECK_NOTHROW(check({(folder / "a").string(), (folder / "b").string(), ""}, input));
  CHECK_THROWS_AS(check({(folder / "a").string(), (folder / "." / "a").string()}, input), InvalidArgument);
  CHECK_THROWS_AS(check({input.string()}, input), InvalidArgument);
  CHECK_THROWS_AS(check({(folder / "missing" / "a").string()}, input), IoError);
  CHECK_THROWS_AS(check({folder.path().string()}, input), IoError);
  std::filesystem::create_symlink(input, folder / "link");
  CHECK_THROWS_AS(check({(folder / "link").string()}, input), InvalidArgument);
  CHECK(folder.names().size() == 2);  // the probe left nothing behind
}

TEST_CASE("only the advance of an inner run reaches the outer progress") {
  struct Recorder : Progress {
    std::int64_t units = 0;
    int stages = 0;
    void begin(std::string_view, std::int64_t, std::string_view) override { ++stages; }
    void advance(std::int64_t count) override { units += count; }
    void end() override { ++stages; }
  } recorder;
  AdvanceOnly inner(&recorder);
  inner.begin("inner", 5, "patches");
  inner.advance(5);
  inner.end();
  CHECK(recorder.units == 5);
  CHECK(recorder.stages == 0);
  AdvanceOnly nobody(nullptr);
  nobody.advance(3);  // nobody watches: nothing happens
}
