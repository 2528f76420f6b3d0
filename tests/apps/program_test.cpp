// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <sstream>

#include "apps/process.hpp"
#include "apps/scene.hpp"

using namespace twinpatch::test;
using Catch::Contains;
using Catch::StartsWith;

TEST_CASE("option --refine is refused where image pairs share keypoints") {
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"colmap", "a.db", "--images", "."},
        {"export", "hloc", "--features", "f.h5", "--images", ".", "-o", "x.h5"},
        {"export", "openmvg", "--sfm-data", "s.json", "--features-dir", ".", "-o", "x.txt"}}) {
    CAPTURE(command);
    std::vector<std::string> arguments = command;
    arguments.emplace_back("--refine");
    const auto result = run_twinpatch(arguments);
    CHECK(result.code == 2);
    CHECK_THAT(result.err, Catch::Contains("--refine") && Catch::Contains("share an image's keypoints"));
    arguments.back() = "--help";
    CHECK(run_twinpatch(arguments).out.find("--refine") == std::string::npos);
  }
}

TEST_CASE("without arguments the program shows three examples and its commands") {
  const auto result = run_twinpatch({});
  CHECK(result.code == 0);
  CHECK(result.err.empty());
  CHECK_THAT(result.out, Contains("twinpatch match left.png right.png"));
  for (const char* command : {"match", "describe", "score", "grid", "eval", "model", "doctor", "bench"}) {
    CHECK_THAT(result.out, Contains(std::string("\n  ") + command));
  }
}

TEST_CASE("every command explains itself: briefly with -h and wholly with --help or help") {
  for (const std::string command : {"match", "describe", "score", "grid", "eval", "doctor", "bench"}) {
    INFO(command);
    const auto brief = run_twinpatch({command, "-h"});
    const auto full = run_twinpatch({command, "--help"});
    const auto asked = run_twinpatch({"help", command});
    CHECK(brief.code == 0);
    CHECK(full.code == 0);
    CHECK(full.out == asked.out);
    CHECK(brief.out.size() < full.out.size());
    CHECK_THAT(full.out, Contains("Examples") && Contains("--json") && Contains("--progress"));
    CHECK_THAT(full.out, StartsWith("twinpatch " + command + ": "));
    CHECK(full.err.empty());
  }
  for (const std::string command : {"list", "show", "convert", "export", "verify"}) {
    CHECK(run_twinpatch({"model", command, "--help"}).out == run_twinpatch({"help", "model", command}).out);
  }
  CHECK_THAT(run_twinpatch({"match", "--help"}).out, Contains("the first pixel is (0, 0)"));
}

TEST_CASE("the version goes to standard output") {
  const auto result = run_twinpatch({"--version"});
  CHECK(result.code == 0);
  CHECK_THAT(result.out, StartsWith("twinpatch "));
}

TEST_CASE("misspelt commands and options are usage errors with a suggestion") {
  struct Case {
    std::vector<std::string> arguments;
    std::string expected;
  };
  const std::vector<Case> cases{
      {{"mach"}, "did you mean \"match\""},
      {{"model", "lst"}, "did you mean \"list\""},
      {{"help", "gird"}, "did you mean \"grid\""},
      {{"--versoin"}, "did you mean \"--version\""},
      {{"grid", "a", "b", "--tpo", "3"}, "did you mean \"--top\""},
      {{"grid", "a", "b", "--modle=x"}, "did you mean \"--model\""},
      {{"grid", "a", "b", "-z"}, "unknown option -z"},
      {{"grid", "a", "b", "c", "-o", "d"}, "unexpected argument \"c\""},
      {{"grid", "a", "b", "--top", "x"}, "--top: expected a number, found \"x\""},
      {{"grid", "a", "b", "-o"}, "--out needs a value: PREFIX"},
      {{"grid", "a", "b", "--top", "2", "--top", "3"}, "--top is given 2 times, expected once"},
      {{"grid", "--top", "2"}, "LEFT is required"},
      {{"grid", "a", "b"}, "-o PREFIX"},
      {{"grid", "a", "b", "-o", "c", "--top", "0"}, "--top must be at least 1, found 0"},
      {{"grid", "a", "b", "-o", "c", "--memory", "many"}, "many"},
      {{"grid", "a", "b", "-o", "c", "--precision", "fp8"}, "fp8"},
      {{"grid", "a", "b", "-o", "c", "--progress", "fancy"}, "\"fancy\" is not one of auto"},
      {{"grid", "a", "b", "-o", "c", "--ratio", "0.8"}, "--top 2"},
      {{"match", "a", "b", "--ratio", "1.5"}, "--ratio must be in (0, 1], found 1.5"},
      {{"match", "a", "b", "--pixel-origin", "1"}, "--pixel-origin must be 0 or 0.5, found 1"},
      {{"match", "a", "b", "--patch-extent", "12", "--patch-extent-from", "opencv"}, "use either"},
      {{"describe", "a", "-o", "b", "--side", "top"}, "--side must be left or right"},
  };
  for (const auto& [arguments, expected] : cases) {
    const auto result = run_twinpatch(arguments);
    INFO(result.err);
    CHECK(result.code == 2);
    CHECK(result.out.empty());
    CHECK_THAT(result.err, StartsWith("error: ") && Contains(expected) && Contains("--help"));
  }
}

TEST_CASE("a command without its arguments shows its brief help as a usage error") {
  const auto result = run_twinpatch({"score"});
  CHECK(result.code == 2);
  CHECK(result.out.empty());
  CHECK_THAT(result.err, Contains("Examples") && Contains("--pairs FILE"));
}

TEST_CASE("log lines can be JSON objects") {
  const auto result = run_twinpatch({"model", "show", "no-such", "--log-format", "json"});
  CHECK(result.code == 1);
  const auto line = nlohmann::json::parse(result.err);
  CHECK(line["level"] == "error");
  CHECK(line["command"] == "twinpatch model show");
  CHECK(line["message"].get<std::string>().find("no-such") != std::string::npos);
}

TEST_CASE("standard output that cannot take the data is an error") {
  const auto result = run_twinpatch({"model", "list"}, {.output = "/dev/full"});
  CHECK(result.code == 1);
  CHECK_THAT(result.err, Contains("standard output") && Contains("No space left"));
}

TEST_CASE("progress as JSON lines and as plain lines goes to standard error") {
  const Scene scene;
  const auto run = [&](const std::string& style) {
    return run_twinpatch({"describe", scene.patches("p.npy", 50), "-m", scene.model("tfeat"), "--resize", "-o",
                          scene.path("d.npy"), "--progress", style});
  };
  const auto json = run("json");
  CHECK(json.code == 0);
  CHECK(json.out.empty());
  std::istringstream lines(json.err);
  bool seen = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.front() != '{') continue;
    const auto object = nlohmann::json::parse(line);
    seen = seen || (object["event"] == "stage_done" && object["done"] == 50 && object["unit"] == "patches");
  }
  CHECK(seen);
  CHECK_THAT(run("plain").err, Contains("50.0 patches") || Contains("50 patches"));
  CHECK_THAT(run("auto").err, !Contains("patches/s"));  // not a terminal, and short
}

TEST_CASE("without a usable GPU doctor, --device cuda and --device auto say so") {
  const auto facts = run_twinpatch({"doctor", "--json"}).json();
  if (facts["cuda_devices"] != 0) {
    WARN("skipped: this host has a CUDA device");
    return;
  }
  REQUIRE(facts["cuda"].size() >= 1);  // why there is no device, then the libraries that were found
  const Scene scene;
  const auto describe = [&](const std::string& device) {
    return run_twinpatch({"describe", scene.patches("p.npy", 3), "-m", scene.model("siam-l2"), "-o",
                          scene.path("d.npy"), "--device", device});
  };
  const auto asked = describe("cuda");
  CHECK(asked.code == 1);
  CHECK_THAT(asked.err, StartsWith("error: ") && (Contains("--device cuda: ") || Contains("without CUDA")));
  CHECK(lines_of(asked.err).size() == 1);
  CHECK(!scene.has("d.npy"));
  const auto profiled = run_twinpatch({"describe", scene.patches("p.npy", 3), "-m", scene.model("siam-l2"), "-o",
                                       scene.path("d.npy"), "--profile-range", "warm"});
  CHECK(profiled.code == 1);
  CHECK_THAT(profiled.err, Contains("--profile-range is for CUDA devices"));
  const auto chosen = describe("auto");
  CHECK(chosen.code == 0);
  CHECK_THAT(chosen.err, Contains("no usable CUDA device (" + facts["cuda"][0].get<std::string>() + ")"));
  CHECK(scene.has("d.npy"));
}

TEST_CASE("doctor names the libraries behind images, databases and hloc's files, or what is missing") {
  const auto facts = run_twinpatch({"doctor", "--json"}).json();
  const std::string text = run_twinpatch({"doctor"}).out;
  CHECK_THAT(text, Contains("opencv      " + facts["opencv"].get<std::string>()));
  for (const std::string name : {"sqlite", "hdf5"}) {
    CHECK_THAT(text, Contains(name + std::string(12 - name.size(), ' ') +
                              (facts[name].is_null() ? "none: no " : facts[name].get<std::string>())));
    if (facts[name].is_null()) CHECK_THAT(text, Contains("Debian: install lib" + name));
  }
}

TEST_CASE("a device that is not there fails in one line") {
  const Scene scene;
  const auto model = scene.model("siam-l2");
  const auto result = run_twinpatch(
      {"describe", scene.patches("p.npy", 3), "-m", model, "-o", scene.path("d.npy"), "--device", "cuda:7"});
  CHECK(result.code == 1);
  CHECK(result.out.empty());
  CHECK_THAT(result.err, StartsWith("error: "));
  CHECK(lines_of(result.err).size() == 1);
  CHECK(!scene.has("d.npy"));
  const auto unknown =
      run_twinpatch({"describe", scene.patches("p.npy", 3), "-m", model, "-o", scene.path("d.npy"), "--device", "gpu"});
  CHECK(unknown.code != 0);
  CHECK_THAT(unknown.err, Contains("gpu") && Contains("cuda:0"));
}
