// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdio>

#include "apps/process.hpp"
#include "apps/scene.hpp"
#include "support/real_data.hpp"
#include "twinpatch/core/file.hpp"

using namespace twinpatch::test;
using Catch::Contains;

TEST_CASE("model list names every network of the catalogue with its cost") {
  const auto result = run_twinpatch({"model", "list", "--json"});
  CHECK(result.code == 0);
  CHECK(result.err.empty());
  const auto json = result.json();
  CHECK(json["schema"] == "twinpatch.model.list/1");
  CHECK(json["networks"].size() == twinpatch::catalogue().size());
  for (const auto& row : json["networks"]) {
    if (row["name"] == "2ch") CHECK(row["parameters"] == 913377);
    if (row["name"] == "siam") CHECK(row["parameters"] == 1171585);
  }
  const auto is_wide = [](const auto& row) { return row["name"] == "hard128-wide" && row["network"] == "hard128"; };
  CHECK(std::ranges::any_of(json["further_models"], is_wide));
  CHECK_THAT(run_twinpatch({"model", "list"}).out, Contains("siam-2stream") && Contains("\nhard128-wide "));
}

TEST_CASE("model list names a file that it cannot read, and lists the others") {
  const TemporaryFolder folder;
  const std::string broken = folder.file("broken.safetensors", "nothing");
  const auto result = run_twinpatch({"model", "list"}, {.environment = {"TWINPATCH_MODELS=" + folder.path().string()}});
  CHECK(result.code == 3);
  CHECK_THAT(result.err, Contains("left out: " + broken + ": "));
  CHECK_THAT(result.out, Contains("siam-2stream") && Contains("hard128-wide"));
}

TEST_CASE("model show prints the layers of every network of the catalogue") {
  for (const auto& spec : twinpatch::catalogue()) {
    INFO(spec.name);
    const auto result = run_twinpatch({"model", "show", spec.name, "--json"});
    CHECK(result.code == 0);
    CHECK(result.json()["streams"].size() == spec.streams.size());
    CHECK(result.json()["parameters"] == twinpatch::cost(spec).parameters);
  }
  const auto text = run_twinpatch({"model", "show", "siam"});
  CHECK_THAT(text.out, Contains("256x1x1") && Contains("parameters 1171585"));
  CHECK_THAT(run_twinpatch({"model", "show", "siamm"}).err, Contains("siam"));
}

TEST_CASE("model show reads a model file with its hash") {
  const Scene scene;
  const auto file = scene.model("siam-l2");
  const auto result = run_twinpatch({"model", "show", file, "--json"});
  CHECK(result.code == 0);
  CHECK(result.json()["hash"] == twinpatch::model_hash(twinpatch::load_model(file)));
  CHECK(result.json()["weights"] == file);
}

TEST_CASE("model show shows a card, and the training's history when asked") {
  const Scene scene;
  const auto file = scene.path("trained.safetensors");
  twinpatch::Model model = twinpatch::load_model(scene.model("siam-l2"));
  const std::string history =
      R"({"options":{"loss":"triplet","optimiser":"adam","schedule":"cosine","rate":0.001,"batch":512,"initial":"a"},)"
      R"("steps":300,"best_step":150,"seconds":90,"history":[)"
      R"({"step":150,"seconds":40,"loss":0.75,"rate":0.0005,"scenes":[{"scene":"graf","fpr95":0.125,"auc":0.9}]},)"
      R"({"step":300,"seconds":90,"loss":0.5,"rate":0.0001,"scenes":[{"scene":"graf","fpr95":0.25,"auc":0.9}]}]})";
  model.metadata = {{"training", history},           {"training_before", history},
                    {"data", "waves and stones"},    {"license", "CC0"},
                    {"odd", std::string(5000, 'x')}, {"calibration", R"({"scale":2,"offset":3})"}};
  twinpatch::save_model(file, model);
  const auto card = run_twinpatch({"model", "show", file});
  CHECK(card.code == 0);
  CHECK(card.out.size() < 4000);
  CHECK_THAT(card.out, Contains("data: waves and stones") && Contains("licence: CC0") && Contains("parameters "));
  CHECK_THAT(card.out, Contains("recipe: triplet loss, adam at a cosine rate of 0.001, batches of 512, 300 steps"));
  CHECK_THAT(card.out, Contains("graf 12.5 %") && !Contains("graf 25.0 %") && !Contains("best_step"));
  const auto told = run_twinpatch({"model", "show", file, "--history"});
  CHECK(told.code == 0);
  CHECK_THAT(told.out, Contains("graf 12.5 %") && Contains("graf 25.0 %") && Contains("training_before:"));
  CHECK(run_twinpatch({"model", "show", file, "--json"}).json()["metadata"]["training"] == history);
  // Metadata of another hand is shown as it stands; only a history cannot be made of it.
  for (const char* other : {"by hand", "{}", R"({"options":{},"history":[]})", R"({"options":3,"history":{"a":1}})"}) {
    INFO(other);
    model.metadata = {{"training", other}, {"calibration", "[1]"}};
    twinpatch::save_model(file, model);
    const auto shown = run_twinpatch({"model", "show", file});
    CHECK(shown.code == 0);
    CHECK_THAT(shown.out, Contains(std::string("training: ") + other) && Contains("calibration: [1]"));
    CHECK(run_twinpatch({"model", "show", file, "--history"}).code == 1);
  }
}

TEST_CASE("model convert takes its output as an argument or as an option") {
  const Scene scene;
  const auto in = scene.model("siam-l2");
  CHECK(run_twinpatch({"model", "convert", in, scene.path("a.safetensors"), "--store", "fp16"}).code == 0);
  CHECK(run_twinpatch({"model", "convert", in, "-o", scene.path("b.safetensors"), "--store", "fp16"}).code == 0);
  CHECK(twinpatch::read_file(scene.path("a.safetensors")) == twinpatch::read_file(scene.path("b.safetensors")));
  CHECK(run_twinpatch({"model", "convert", in}).code == 2);
  CHECK(run_twinpatch({"model", "convert", in, scene.path("c"), "-o", scene.path("d")}).code == 2);
  CHECK_FALSE(scene.has("c"));
}

TEST_CASE("the released weights are converted and fit the golden outputs") {
  const auto golden = real_data("golden");
  if (golden.empty()) {
    std::puts("skipped: no golden data");
    return;
  }
  const Scene scene;
  struct Case {
    const char* in;
    const char* entry;
    double allowed;
  };
  for (const auto& [in, entry, allowed] :
       {Case{"2ch_liberty.bin", "2ch_liberty", 1e-4}, Case{"2ch_liberty.t7", "2ch_liberty", 1e-4},
        Case{"siam_desc_yosemite.bin", "siam_desc_yosemite", 1e-5}}) {
    INFO(in);
    const std::string out = scene.path(std::string(in) + ".safetensors");
    const auto converted = run_twinpatch({"model", "convert", (golden / in).string(), out, "--json"});
    REQUIRE(converted.code == 0);
    CHECK(converted.json()["out"] == out);
    const auto result =
        run_twinpatch({"model", "verify", out, (golden / "test_data.bin").string(), "--entry", entry, "--json"});
    CHECK(result.code == 0);
    REQUIRE(result.json()["entries"].size() == 1);
    CHECK(result.json()["entries"][0]["largest_error"].get<double>() <= allowed);
    CHECK(result.json()["ok"] == true);
  }
  // A quarter of the size, and within what 8 bits leave.
  const std::string quarter = scene.path("quarter.safetensors");
  CHECK(run_twinpatch({"model", "convert", (golden / "2ch_liberty.bin").string(), quarter, "--store", "int8"}).code ==
        0);
  CHECK(std::filesystem::file_size(quarter) < std::filesystem::file_size(golden / "2ch_liberty.bin") * 26 / 100);
  const auto stored = run_twinpatch({"model", "verify", quarter, (golden / "test_data.bin").string(), "--entry",
                                     "2ch_liberty", "--tolerance", "0.05", "--json"});
  CHECK(stored.code == 0);
  const auto other = run_twinpatch({"model", "convert", quarter, scene.path("x.safetensors"), "--store", "int4"});
  CHECK(other.code == 2);
  CHECK_THAT(other.err, Contains("stored as \"int4\"; known: fp32, fp16, bf16, int8"));
  // Straight from the released file, by its name; and a tolerance nothing can meet.
  const auto direct =
      run_twinpatch({"model", "verify", (golden / "2ch_liberty.bin").string(), (golden / "test_data.bin").string()});
  CHECK(direct.code == 0);
  CHECK_THAT(direct.out, Contains(": ok"));
  const auto strict = run_twinpatch({"model", "verify", (golden / "2ch_liberty.bin").string(),
                                     (golden / "test_data.bin").string(), "--tolerance", "1e-12"});
  CHECK(strict.code == 1);
  CHECK_THAT(strict.out, Contains("DIFFERS"));
}

TEST_CASE("doctor reports this host") {
  const auto result = run_twinpatch({"doctor", "--json"});
  CHECK(result.code == 0);
  CHECK(result.json()["schema"] == "twinpatch.doctor/1");
  CHECK(result.json()["threads"].get<int>() >= 1);
  CHECK(!result.json()["cpu"].empty());
  CHECK(run_twinpatch({"doctor"}).code == 0);
}

TEST_CASE("bench measures describing and lists and grids") {
  const auto result = run_twinpatch({"bench", "-m", "tfeat", "--seconds", "0.01", "--json"});
  CHECK(result.code == 0);
  const auto json = result.json();
  REQUIRE(json["results"].size() == 3);
  for (const auto& row : json["results"]) CHECK(row["per_second"].get<double>() > 0);
}
