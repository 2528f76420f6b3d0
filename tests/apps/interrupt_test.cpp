// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <csignal>

#include "apps/process.hpp"
#include "apps/scene.hpp"

using namespace twinpatch::test;
using Catch::Contains;

namespace {

/// A run of minutes: pairs of a 2-channel network.
std::vector<std::string> long_run(const Scene& scene) {
  return {"grid",   scene.patches("a.npy", 3000), scene.patches("b.npy", 3000), "-m", scene.model("2ch"),
          "--full", scene.path("out.npy")};
}

}  // namespace

TEST_CASE("Ctrl-C ends a run at a clean point and leaves nothing behind") {
  const Scene scene;
  const auto arguments = long_run(scene);
  const auto before = scene.folder().names().size();
  const auto result = run_twinpatch(arguments, {.interrupt_after = " on CPU"});
  CHECK(result.code == 130);
  CHECK_THAT(result.err, Contains("stopping at the next clean point") && Contains("error: interrupted"));
  CHECK(result.out.empty());
  CHECK(scene.folder().names().size() == before);
}

TEST_CASE("a second Ctrl-C ends a run at once") {
  const Scene scene;
  const auto result = run_twinpatch(long_run(scene), {.interrupt_after = " on CPU", .interrupts = 2});
  CHECK(result.code == 130);
  CHECK(!scene.has("out.npy"));
}

TEST_CASE("a terminal that closes and a scheduler that stops end a run as Ctrl-C does") {
  for (const int signal : {SIGHUP, SIGTERM}) {
    CAPTURE(signal);
    const Scene scene;
    const auto arguments = long_run(scene);
    const auto before = scene.folder().names().size();
    const auto result = run_twinpatch(arguments, {.interrupt_after = " on CPU", .signal = signal});
    CHECK(result.code == 130);
    CHECK_THAT(result.err, Contains("error: interrupted"));
    CHECK(scene.folder().names().size() == before);
  }
}

TEST_CASE("a signal that was ignored at the start stays ignored") {
  for (const int signal : {SIGHUP, SIGINT}) {
    CAPTURE(signal);
    const Scene scene;
    const auto result = run_twinpatch({"grid", scene.patches("a.npy", 30), scene.patches("b.npy", 30), "-m",
                                       scene.model("2ch"), "--full", scene.path("out.npy")},
                                      {.interrupt_after = " on CPU", .signal = signal, .ignored = signal});
    CHECK(result.code == 0);
    CHECK(scene.has("out.npy"));
  }
}
