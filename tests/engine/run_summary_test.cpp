// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/backend/run_summary.hpp"

#include <catch2/catch.hpp>

using namespace twinpatch;

TEST_CASE("a run's summary names the slowest stage and holds rates against ceilings") {
  RunSummary run;
  run.device = "a card";
  CHECK(run.slowest() == nullptr);
  CHECK(run.text().empty());
  CHECK(run.saturation().empty());
  run.rounded = 2000;
  run.saturated = 3;
  CHECK(run.saturation() == "int8: 3 of 2000 activations (0.15 %) lay beyond their calibrated range");
  run.stages = {{"read", 0.5, 100}, {"copy", 0.25, 100}, {"compute", 2, 3'000'000'000}, {"select", 1, 6'000'000'000}};
  run.patches = 1000;
  run.pairs = 4'000'000;
  run.operations = 8e12;
  run.tflops_ceiling = 16;
  REQUIRE(run.slowest() != nullptr);
  CHECK(run.slowest()->name == "compute");
  CHECK(run.seconds("select") == 1);
  CHECK(run.seconds("write") == 0);
  CHECK(run.tflops() == Approx(4));
  CHECK(run.gigabytes() == Approx(3));
  const auto lines = run.text();
  REQUIRE(lines.size() == 2);
  CHECK_THAT(lines[0], Catch::Contains("a card: slowest stage compute"));
  CHECK_THAT(lines[1], Catch::Contains("500/s patches") && Catch::Contains("2.00 M/s pairs") &&
                           Catch::Contains("4 of 16 TFLOP/s (25 %)") && Catch::Contains("3 GB/s"));
}
