// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "apps/process.hpp"
#include "apps/scene.hpp"
#include "support/npy_bytes.hpp"
#include "twinpatch/formats/npy.hpp"

using namespace twinpatch::test;
using Catch::Contains;

namespace {

/// Checks indices and scores of a grid's result against the full matrix.
void check_top(const Array& full, const Array& indices, const Array& scores) {
  const std::int64_t columns = full.shape[1];
  const std::int64_t top = indices.shape[1];
  for (std::int64_t i = 0; i < full.shape[0]; ++i) {
    std::vector<double> row(full.values.begin() + i * columns, full.values.begin() + (i + 1) * columns);
    std::sort(row.rbegin(), row.rend());
    for (std::int64_t k = 0; k < top; ++k) {
      const auto place = static_cast<std::size_t>(i * top + k);
      const auto column = static_cast<std::int64_t>(indices.values[place]);
      CHECK(scores.values[place] == Approx(row[static_cast<std::size_t>(k)]).margin(2e-5));
      CHECK(scores.values[place] == Approx(full.values[static_cast<std::size_t>(i * columns + column)]).margin(2e-5));
    }
  }
}

}  // namespace

TEST_CASE("descriptors in Fortran order are the same descriptors") {
  const Scene scene;
  const auto patches = scene.patches("p.npy", 11);
  const auto model = scene.model("siam-l2");
  REQUIRE(run_twinpatch({"describe", patches, "-m", model, "-o", scene.path("rows.npy")}).code == 0);
  const twinpatch::NpyArray rows = twinpatch::read_npy(scene.path("rows.npy"));
  const auto values = rows.values<float>();
  const std::int64_t columns = rows.shape()[1];
  std::string payload;
  for (std::int64_t j = 0; j < columns; ++j) {
    for (std::int64_t i = 0; i < 11; ++i) {
      payload.append(reinterpret_cast<const char*>(&values[static_cast<std::size_t>(i * columns + j)]), 4);
    }
  }
  const std::string shape = "(11, " + std::to_string(columns) + ")";
  const auto turned = scene.folder().file("turned.npy", npy_bytes(npy_dictionary("<f4", shape, "True"), payload));
  for (const auto& [left, out] : {std::pair{scene.path("rows.npy"), "a"}, std::pair{turned.string(), "b"}}) {
    REQUIRE(run_twinpatch({"grid", left, patches, "-m", model, "-o", scene.path(out)}).code == 0);
  }
  CHECK(read_array(scene.path("a.scores.npy")).values == read_array(scene.path("b.scores.npy")).values);
  CHECK(read_array(scene.path("a.indices.npy")).values == read_array(scene.path("b.indices.npy")).values);
}

TEST_CASE("the best of a grid are the best of the full matrix") {
  const Scene scene;
  const auto left = scene.patches("left.npy", 23, 64, 1);
  const auto right = scene.patches("right.npy", 37, 64, 2);
  for (const std::string name : {"siam", "siam-l2", "2ch"}) {
    INFO(name);
    const auto model = scene.model(name);
    REQUIRE(run_twinpatch({"grid", left, right, "-m", model, "--full", scene.path("full.npy")}).code == 0);
    const Array full = read_array(scene.path("full.npy"));
    CHECK(full.shape == std::vector<std::int64_t>{23, 37});
    const auto result =
        run_twinpatch({"grid", left, right, "-m", model, "--top", "3", "--mutual", "-o", scene.path("best"), "--json"});
    REQUIRE(result.code == 0);
    CHECK(result.json()["schema"] == "twinpatch.grid/1");
    const Array indices = read_array(scene.path("best.indices.npy"));
    CHECK(indices.shape == std::vector<std::int64_t>{23, 3});
    check_top(full, indices, read_array(scene.path("best.scores.npy")));

    const Array pairs = read_array(scene.path("best.pairs.npy"));
    CHECK(result.json()["pair_count"] == pairs.shape[0]);
    for (std::int64_t p = 0; p < pairs.shape[0]; ++p) {
      const auto i = static_cast<std::size_t>(pairs.values[static_cast<std::size_t>(2 * p)]);
      const auto j = static_cast<std::size_t>(pairs.values[static_cast<std::size_t>(2 * p + 1)]);
      for (std::size_t other = 0; other < 23; ++other) {
        CHECK(full.values[i * 37 + j] >= full.values[other * 37 + j] - 2e-5);
      }
      CHECK(indices.values[3 * i] == static_cast<double>(j));
    }
    // Everything in one run gives the same.
    REQUIRE(run_twinpatch({"grid", left, right, "-m", model, "--top", "3", "--mutual", "-o", scene.path("both"),
                           "--full", scene.path("again.npy")})
                .code == 0);
    CHECK(read_array(scene.path("both.indices.npy")).values == indices.values);
    CHECK(read_array(scene.path("both.pairs.npy")).values == pairs.values);
  }
}

TEST_CASE("descriptors made earlier give the scores of their patches") {
  const Scene scene;
  const auto left = scene.patches("left.npy", 11, 64, 1);
  const auto right = scene.patches("right.npy", 8, 64, 2);
  for (const std::string name : {"siam", "siam-l2"}) {
    INFO(name);
    const auto model = scene.model(name);
    REQUIRE(run_twinpatch({"describe", left, "-m", model, "-o", scene.path("l.npy")}).code == 0);
    REQUIRE(run_twinpatch({"describe", right, "-m", model, "-o", scene.path("r.npy")}).code == 0);
    REQUIRE(run_twinpatch({"grid", left, right, "-m", model, "--top", "8", "-o", scene.path("a")}).code == 0);
    REQUIRE(run_twinpatch(
                {"grid", scene.path("l.npy"), scene.path("r.npy"), "-m", model, "--top", "8", "-o", scene.path("b")})
                .code == 0);
    const Array a = read_array(scene.path("a.scores.npy"));
    const Array b = read_array(scene.path("b.scores.npy"));
    for (std::size_t i = 0; i < a.values.size(); ++i) CHECK(a.values[i] == Approx(b.values[i]).margin(2e-5));
  }
}

TEST_CASE("thresholds and ratios leave fewer and a ratio is refused on learned scores") {
  const Scene scene;
  const auto left = scene.patches("left.npy", 12, 64, 1);
  const auto right = scene.patches("right.npy", 15, 64, 2);
  const auto run = [&](const std::string& model, const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"grid", left, right, "-m", model, "--top", "2", "-o", scene.path("best")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_twinpatch(arguments);
  };
  REQUIRE(run(scene.model("siam-l2"), {}).code == 0);
  const Array all = read_array(scene.path("best.scores.npy"));
  std::vector<double> sorted = all.values;
  std::sort(sorted.begin(), sorted.end());
  const double middle = sorted[sorted.size() / 2];
  REQUIRE(run(scene.model("siam-l2"), {"--threshold", std::to_string(middle)}).code == 0);
  const Array some = read_array(scene.path("best.scores.npy"));
  const Array indices = read_array(scene.path("best.indices.npy"));
  for (std::size_t i = 0; i < some.values.size(); ++i) {
    CHECK((indices.values[i] < 0) == std::isinf(some.values[i]));
    if (indices.values[i] >= 0) CHECK(some.values[i] >= middle - 1e-5);
  }
  CHECK(std::count(indices.values.begin(), indices.values.end(), -1.0) > 0);

  CHECK(run(scene.model("siam-l2"), {"--ratio", "0.9", "--mutual"}).code == 0);
  const auto refused = run(scene.model("siam"), {"--ratio", "0.9"});
  CHECK(refused.code == 1);
  CHECK_THAT(refused.err, Contains("ratio") && Contains("distance"));
}

TEST_CASE("an empty side gives an empty result and a warning") {
  const Scene scene;
  const auto none = scene.patches("none.npy", 0);
  const auto some = scene.patches("some.npy", 4);
  const auto model = scene.model("siam-l2");
  const auto no_left = run_twinpatch({"grid", none, some, "-m", model, "--mutual", "-o", scene.path("a")});
  CHECK(no_left.code == 0);
  CHECK_THAT(no_left.err, Contains("warning") && Contains("none.npy: empty"));
  CHECK(read_array(scene.path("a.indices.npy")).shape == std::vector<std::int64_t>{0, 1});
  CHECK(read_array(scene.path("a.pairs.npy")).shape == std::vector<std::int64_t>{0, 2});
  const auto no_right = run_twinpatch(
      {"grid", some, none, "-m", model, "--mutual", "-o", scene.path("b"), "--full", scene.path("f.npy")});
  CHECK(no_right.code == 0);
  CHECK(read_array(scene.path("b.indices.npy")).values == std::vector<double>{-1, -1, -1, -1});
  CHECK(read_array(scene.path("f.npy")).shape == std::vector<std::int64_t>{4, 0});
}

TEST_CASE("one patch against one patch works") {
  const Scene scene;
  const auto one = scene.patches("one.npy", 1);
  for (const std::string name : {"siam", "2ch"}) {
    CHECK(run_twinpatch({"grid", one, one, "-m", scene.model(name), "--mutual", "--top", "5", "-o", scene.path("a")})
              .code == 0);
    CHECK(read_array(scene.path("a.pairs.npy")).values == std::vector<double>{0, 0});
    CHECK(read_array(scene.path("a.indices.npy")).values == std::vector<double>{0, -1, -1, -1, -1});
  }
}

TEST_CASE("a grid is the same whatever it is screened with, and -v says how much was scored again") {
  const Scene scene;
  const auto left = scene.patches("left.npy", 23, 64, 1);
  const auto right = scene.patches("right.npy", 70, 64, 2);
  for (const std::string model : {"siam-l2", "siam"}) {
    const auto run = [&](const std::string& screening, const std::string& out) {
      return run_twinpatch({"grid", left, right, "-m", scene.model(model), "-o", scene.path(out), "--top", "2",
                            "--device", "cpu", "--screening", screening, "-v", "--json"});
    };
    const auto full = run("off", "off");
    REQUIRE(full.code == 0);
    CHECK(full.json().count("screening") == 0);
    const auto screened = run("auto", "auto");
    REQUIRE(screened.code == 0);
    for (const std::string array : {".scores.npy", ".indices.npy"}) {
      CHECK(read_array(scene.path("auto" + array)).values == read_array(scene.path("off" + array)).values);
    }
    if (screened.json().count("screening") == 0) continue;  // a processor without a screen
    const auto facts = screened.json();
    const auto& screening = facts["screening"][0];
    CHECK(screening["pairs"] == 23 * 70);
    CHECK_THAT(screened.err,
               Contains("1.61 k pairs searched in 8 bits (" + screening["with"].get<std::string>() + ")"));
    CHECK_THAT(screened.err, Contains(" % of them scored again in full"));
  }
  const auto with = [&](const std::string& screening) {
    return run_twinpatch({"grid", left, right, "-m", scene.model("siam-l2"), "-o", scene.path("out"), "--device", "cpu",
                          "--screening", screening});
  };
  const auto unknown = with("sse9");
  CHECK(unknown.code == 2);
  CHECK_THAT(unknown.err, Contains("unknown screening \"sse9\"; known: auto, off, amx-int8"));
  // No processor has these together: the kernels of one have panels that the other does not read.
  const auto first = with("avx2");
  const auto second = with("avx512-vnni");
  CHECK(std::max(first.code, second.code) == 1);
  CHECK_THAT(first.code == 1 ? first.err : second.err, Contains("this processor cannot screen with avx"));
}
