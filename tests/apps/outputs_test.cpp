// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "apps/process.hpp"
#include "apps/scene.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/formats/npy.hpp"

// Where results go: files, standard output under all of its names, and places that cannot take them.

using namespace twinpatch::test;
using Catch::Contains;

namespace {

std::vector<std::string> match(const Scene& scene, const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {"match",
                                        scene.photograph("a.png", 160, 120),
                                        scene.photograph("b.png", 160, 120, 9),
                                        "-m",
                                        scene.model("siam-l2"),
                                        "--max-keypoints",
                                        "60",
                                        "-q"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

}  // namespace

TEST_CASE("standard output under any of its names gets what a file would") {
  const Scene scene;
  const auto printed = run_twinpatch(match(scene, {}));
  INFO(printed.err);
  REQUIRE(printed.code == 0);
  REQUIRE(lines_of(printed.out).size() > 5);
  for (const char* name : {"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"}) {
    CAPTURE(name);
    const auto result = run_twinpatch(match(scene, {"-o", name}), {.folder = scene.path("")});
    CHECK(result.code == 0);
    CHECK(result.out == printed.out);
    CHECK(result.err.empty());
  }
  CHECK_FALSE(scene.has("-"));

  const auto log = scene.folder().file("log", "header\n");
  CHECK(run_twinpatch(match(scene, {"-o", "/dev/stdout"}), {.output = log, .append = true}).code == 0);
  CHECK(twinpatch::read_text_file(log) == "header\n" + printed.out);
}

TEST_CASE("arrays and drawings go into a pipe, too") {
  const Scene scene;
  const auto model = scene.model("siam-l2");
  const auto patches = scene.patches("p.npy", 7);
  const auto described = run_twinpatch({"describe", patches, "-m", model, "-q", "-o", "-"});
  CHECK(described.code == 0);
  const auto array = twinpatch::parse_npy(std::as_bytes(std::span(described.out)), "stdout");
  REQUIRE(array.shape().size() == 2);
  CHECK(array.shape()[0] == 7);
  REQUIRE(run_twinpatch({"describe", patches, "-m", model, "-q", "-o", scene.path("d.npy")}).code == 0);
  CHECK(twinpatch::read_text_file(scene.path("d.npy")) == described.out);

  const auto full = run_twinpatch({"grid", patches, patches, "-m", model, "-q", "--full", "/dev/stdout"});
  CHECK(full.code == 0);
  CHECK(twinpatch::parse_npy(std::as_bytes(std::span(full.out)), "stdout").shape() == std::vector<std::int64_t>{7, 7});

  const auto view = run_twinpatch(match(scene, {"-o", scene.path("m.txt"), "--view", "-"}));
  CHECK(view.code == 0);
  CHECK(view.out.starts_with("\x89PNG"));
}

TEST_CASE("what would mix on standard output or cannot go there is refused before any work") {
  const Scene scene;
  const auto patches = scene.patches("p.npy", 3);
  const auto model = scene.model("siam-l2");
  const auto refused = [&](const std::vector<std::string>& arguments, int code, const std::string& words) {
    CAPTURE(arguments);
    const auto result = run_twinpatch(arguments, {.folder = scene.path("")});
    CHECK(result.code == code);
    CHECK(result.out.empty());
    CHECK_THAT(result.err, Contains(words));
  };
  refused({"describe", patches, "-m", model, "-o", "-", "--json"}, 1, "-o and --json would both write this file");
  refused(match(scene, {"--view", "-"}), 1, "--view and the matches would both write this file");
  refused({"grid", patches, patches, "-m", model, "-o", "-"}, 2, "standard output");
  refused({"merge", scene.path("run"), "-o", "-"}, 2, "standard output");
  refused({"dataset", "from-photographs", scene.path(""), "-o", "-"}, 2, "standard output");
  CHECK_FALSE(scene.has("-"));
  CHECK(run_twinpatch(match(scene, {"-o", "/dev/null", "--view", "/dev/null", "--patches", "/dev/null"})).code == 0);
}

TEST_CASE("two dashes end the options of every command") {
  const Scene scene;
  const auto model = scene.model("siam-l2");
  (void)scene.photograph("-left.png", 160, 120);
  (void)scene.photograph("right.png", 160, 120);
  const auto result =
      run_twinpatch({"match", "-q", "-m", model, "--", "-left.png", "right.png"}, {.folder = scene.path("")});
  INFO(result.err);
  CHECK(result.code == 0);
  CHECK(lines_of(result.out).size() > 5);

  (void)scene.patches("--patches.npy", 3);
  CHECK(
      run_twinpatch({"describe", "-m", model, "-o", "out.npy", "-q", "--", "--patches.npy"}, {.folder = scene.path("")})
          .code == 0);
  CHECK(run_twinpatch({"model", "show", "--", "siam-l2"}).code == 0);
  CHECK(run_twinpatch({"doctor", "--"}).code == 0);
  const auto extra = run_twinpatch({"model", "show", "--", "siam-l2", "--json"});
  CHECK(extra.code == 2);
  CHECK_THAT(extra.err, Contains("unexpected argument \"--json\""));
}

TEST_CASE("options that change nothing are named") {
  const Scene scene;
  const auto model = scene.model("siam-l2");
  const auto patches = scene.patches("p.npy", 3);
  const auto described = run_twinpatch({"describe", patches, "-m", model, "-o", scene.path("d.npy"), "-q",
                                        "--max-keypoints", "5", "--side", "right", "--kernels", "library"});
  CHECK(described.code == 0);
  CHECK_THAT(described.err, Contains("--max-keypoints has no effect: no input is a photograph") &&
                                Contains("--side has no effect") && Contains("--kernels has no effect"));
  const auto silent = run_twinpatch({"describe", patches, "-m", model, "-o", scene.path("d.npy"), "-q"});
  CHECK(silent.err.empty());
}
