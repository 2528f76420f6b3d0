// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cmath>

#include "apps/process.hpp"
#include "apps/scene.hpp"
#include "support/npy_bytes.hpp"
#include "support/random.hpp"
#include "twinpatch/cpu/backend.hpp"
#include "twinpatch/engine/engine.hpp"

using namespace twinpatch::test;
using Catch::Contains;

TEST_CASE("scores of listed pairs are those of the engine") {
  const Scene scene;
  for (const std::string name : {"siam", "2ch", "siam-l2"}) {
    INFO(name);
    const auto model = scene.model(name);
    const auto patches = scene.patches("p.npy", 9);
    const auto pairs = scene.pairs("pairs.npy", {0, 1, 1, 0, 8, 8, 3, 7, 0, 1});
    const auto result =
        run_twinpatch({"score", patches, "--pairs", pairs, "-m", model, "-o", scene.path("s.npy"), "--json"});
    REQUIRE(result.code == 0);
    CHECK(result.json()["schema"] == "twinpatch.score/1");
    CHECK(result.json()["pairs"] == 5);
    const Array scores = read_array(scene.path("s.npy"));
    CHECK(scores.shape == std::vector<std::int64_t>{5});
    CHECK(scores.values[0] == scores.values[4]);

    twinpatch::Engine engine(twinpatch::load_model(model), {});
    const auto set = twinpatch::read_npy_patches(patches, false);
    const std::vector<twinpatch::IndexPair> list{{0, 1}, {1, 0}, {8, 8}, {3, 7}, {0, 1}};
    const auto expected = engine.score(set.view(), list);
    for (std::size_t i = 0; i < 5; ++i) CHECK(scores.values[i] == Approx(expected[i]).margin(1e-5));
  }
}

TEST_CASE("pairs in Fortran order are the same pairs, patches in Fortran order are refused with the remedy") {
  const Scene scene;
  const auto patches = scene.patches("p.npy", 9);
  const auto rows = scene.pairs("rows.npy", {0, 1, 2, 3, 8, 4});
  const std::vector<std::int32_t> by_columns = {0, 2, 8, 1, 3, 4};
  const std::string payload(reinterpret_cast<const char*>(by_columns.data()), 4 * by_columns.size());
  const auto columns =
      scene.folder().file("columns.npy", npy_bytes(npy_dictionary("<i4", "(3, 2)", "True"), payload)).string();
  const auto model = scene.model("siam-l2");
  for (const auto& [list, out] : {std::pair{rows, "a.npy"}, std::pair{columns, "b.npy"}}) {
    REQUIRE(run_twinpatch({"score", patches, "--pairs", list, "-m", model, "-o", scene.path(out)}).code == 0);
  }
  CHECK(read_array(scene.path("a.npy")).values == read_array(scene.path("b.npy")).values);
  const auto turned = scene.folder().file(
      "turned.npy", npy_bytes(npy_dictionary("|u1", "(9, 64, 64)", "True"), std::string(9 * 64 * 64, '7')));
  const auto refused =
      run_twinpatch({"score", turned.string(), "--pairs", rows, "-m", model, "-o", scene.path("c.npy")});
  CHECK(refused.code == 1);
  CHECK_THAT(refused.err, Contains("turned.npy") && Contains("numpy.ascontiguousarray"));
}

TEST_CASE("left and right patches may come from two arrays") {
  const Scene scene;
  const auto left = scene.patches("left.npy", 5, 64, 1);
  const auto right = scene.patches("right.npy", 3, 64, 2);
  const auto pairs = scene.pairs("pairs.npy", {4, 2, 0, 0});
  const auto run = [&](const std::string& list) {
    return run_twinpatch(
        {"score", left, "--right", right, "--pairs", list, "-m", scene.model("siam-l2"), "-o", scene.path("s.npy")});
  };
  CHECK(run(pairs).code == 0);
  CHECK(read_array(scene.path("s.npy")).values.size() == 2);
  const auto beyond = run(scene.pairs("beyond.npy", {2, 4}));
  CHECK(beyond.code == 1);
  CHECK_THAT(beyond.err, Contains("beyond.npy"));
}

TEST_CASE("raw patches are fed as they are") {
  const Scene scene;
  std::vector<float> values = normal_floats(4 * 64 * 64, 3, 0.2);
  const auto raw = scene.floats("raw.npy", values, {4, 64, 64});
  const auto pairs = scene.pairs("pairs.npy", {0, 1, 2, 3});
  const auto model = scene.model("siam");
  const auto result = run_twinpatch({"score", raw, "--raw", "--pairs", pairs, "-m", model, "-o", scene.path("s.npy")});
  CHECK(result.code == 0);
  const auto refused = run_twinpatch({"score", raw, "--pairs", pairs, "-m", model, "-o", scene.path("t.npy")});
  CHECK(refused.code == 1);
  CHECK_THAT(refused.err, Contains("raw.npy") && Contains("float32"));
}

TEST_CASE("networks of any input size take patches of any size and others resize on demand") {
  const Scene scene;
  const auto pairs = scene.pairs("pairs.npy", {0, 1});
  const auto large = scene.patches("large.npy", 2, 81);
  const auto run = [&](const std::string& network, const std::vector<std::string>& more) {
    std::vector<std::string> arguments{
        "score", large, "--pairs", pairs, "-m", scene.model(network), "-o", scene.path("s.npy")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_twinpatch(arguments);
  };
  CHECK(run("siam-spp", {}).code == 0);
  const auto refused = run("siam", {});
  CHECK(refused.code == 1);
  CHECK_THAT(refused.err, Contains("81x81") && Contains("64x64") && Contains("--resize"));
  CHECK(run("siam", {"--resize"}).code == 0);
}

TEST_CASE("a precision that the processor lacks is refused in one line that names what it has") {
  const Scene scene;
  const auto model = scene.model("siam");
  const auto patches = scene.patches("p.npy", 2);
  const auto pairs = scene.pairs("pairs.npy", {0, 1});
  const auto score = [&](const char* precision, const char* processor) {
    const ProcessOptions start{.environment = {std::string("DNNL_MAX_CPU_ISA=") + processor}};
    return run_twinpatch({"score", patches, "--pairs", pairs, "-m", model, "-o", scene.path("s.npy"), "--device", "cpu",
                          "--precision", precision},
                         start);
  };
  for (const char* precision : {"bf16", "tf32"}) {
    const auto result = score(precision, "AVX2");
    CHECK(result.code == 1);
    CHECK(result.err ==
          std::string("error: the CPU engine has no ") + precision + " on this processor; it has: fp32\n");
  }
}

TEST_CASE("auto is fp32 for a model that nothing was shown of, in summary and in JSON, and what was shown for others") {
  const Scene scene;
  const auto patches = scene.patches("p.npy", 2);
  const auto pairs = scene.pairs("pairs.npy", {0, 1});
  const auto score = [&](const std::string& model, const std::string& precision, const std::string& out) {
    auto result = run_twinpatch({"score", patches, "--pairs", pairs, "-m", model, "-o", scene.path(out), "--device",
                                 "cpu", "--precision", precision, "--json"});
    INFO(result.err);
    REQUIRE(result.code == 0);
    return result;
  };
  const auto unknown = score(scene.model("siam"), "auto", "unknown.npy");
  CHECK_THAT(unknown.err, Contains("precision auto: fp32, no lower one was shown to be accurate for this model on "));
  CHECK(unknown.json()["model"]["precision"] == "fp32");

  for (const auto& shipped : {"siam", "2ch-deep", "hard128"}) {
    INFO(shipped);
    const auto chosen = score(shipped, "auto", "auto.npy");
    const auto expected = twinpatch::cpu_precision_for(twinpatch::load_model(twinpatch::find_model(shipped)));
    CHECK(chosen.json()["model"]["precision"] == twinpatch::to_string(expected.precision));
    CHECK_THAT(chosen.err, Contains(std::string("precision auto: ") + twinpatch::to_string(expected.precision)));
    (void)score(shipped, twinpatch::to_string(expected.precision), "explicit.npy");
    CHECK(read_array(scene.path("auto.npy")).values == read_array(scene.path("explicit.npy")).values);
  }
}

TEST_CASE("int8 needs a model that model quantize has calibrated, on patches of the network's size") {
  const Scene scene;
  const auto model = scene.model("siam");
  const auto calibrated = scene.path("calibrated.safetensors");
  const auto patches = scene.patches("p.npy", 40);
  const auto pairs = scene.pairs("pairs.npy", {0, 1, 5, 9});
  const auto quantize = [&](const std::string& dataset) {
    return run_twinpatch({"model", "quantize", model, "--calibrate", dataset, "-o", calibrated, "--json"});
  };
  const auto score = [&](const std::string& of, const std::string& precision, const std::string& out) {
    return run_twinpatch({"score", patches, "--pairs", pairs, "-m", of, "-o", scene.path(out), "--device", "cpu",
                          "--precision", precision, "--json"});
  };
  const auto wrong_size = quantize(scene.patches("small.npy", 3, 32));
  CHECK(wrong_size.code == 1);
  CHECK_THAT(wrong_size.err, Contains("64") && Contains("32"));
  CHECK(!scene.has("calibrated.safetensors"));

  const auto done = quantize(patches);
  INFO(done.err);
  REQUIRE(done.code == 0);
  CHECK(done.json()["patches"] == 40);
  CHECK(done.json()["activations"].contains("branch.0.3"));

  const auto result = score(calibrated, "int8", "int8.npy");
  if (result.code != 0) {  // without VNNI
    CHECK_THAT(result.err, Contains("the CPU engine has no int8 on this processor; it has: fp32"));
    return;
  }
  CHECK_THAT(result.err, Contains("int8: 0 of ") && Contains("beyond their calibrated range"));
  CHECK(result.json()["model"]["precision"] == "int8");
  CHECK(result.json()["saturation"]["activations"] > 0);
  CHECK(result.json()["saturation"]["beyond_range"] == 0);
  const auto bench = run_twinpatch(
      {"bench", "-m", calibrated, "--device", "cpu", "--precision", "int8", "--seconds", "0.001", "--json"});
  CHECK(bench.code == 0);
  CHECK_THAT(bench.err, Contains("beyond their calibrated range"));  // noise, not what was calibrated on
  CHECK(bench.json()["saturation"]["beyond_range"] > 0);
  REQUIRE(score(calibrated, "fp32", "fp32.npy").code == 0);
  const Array integers = read_array(scene.path("int8.npy"));
  const Array floats = read_array(scene.path("fp32.npy"));
  for (std::size_t i = 0; i < 2; ++i) CHECK(integers.values[i] == Approx(floats.values[i]).margin(0.1));

  const auto refused = score(model, "int8", "none.npy");
  CHECK(refused.code == 1);
  CHECK_THAT(refused.err, Contains("siam was not calibrated: twinpatch model quantize"));
}
