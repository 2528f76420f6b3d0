// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <fstream>
#include <limits>

#include "apps/process.hpp"
#include "apps/scene.hpp"
#include "support/random.hpp"

// Whatever is wrong with the input: one line that names the file and what is wrong with it, exit code 1, nothing on
// standard output, and no file that was not there before.

using namespace twinpatch::test;
using Catch::Contains;

namespace {

/// Runs and checks all of that; `words` must be in the one line.
void expect_error(const Scene& scene, std::vector<std::string> arguments, const std::vector<std::string>& words,
                  const ProcessOptions& options = {}) {
  const auto before = scene.folder().names();
  arguments.push_back("--quiet");  // then an error is all there is
  const auto result = run_twinpatch(arguments, options);
  INFO(result.err);
  CHECK(result.code == 1);
  CHECK(result.out.empty());
  const auto lines = lines_of(result.err);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].starts_with("error: "));
  for (const auto& word : words) CHECK_THAT(lines[0], Contains(word));
  CHECK(scene.folder().names().size() == before.size());
}

std::vector<std::string> describe(const Scene& scene, const std::string& input) {
  return {"describe", input, "-m", scene.model("siam-l2"), "-o", scene.path("out.npy")};
}

std::string npy_text(const std::string& header, std::size_t payload) {
  std::string text = header;
  while ((10 + text.size() + 1) % 64 != 0) text += ' ';
  text += '\n';
  std::string file = "\x93NUMPY\x01";
  file += '\0';
  file += static_cast<char>(text.size() & 255);
  file += static_cast<char>(text.size() >> 8);
  return file + text + std::string(payload, '\x01');
}

std::string first_half(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(file)), {});
  return whole.substr(0, whole.size() / 2);
}

}  // namespace

TEST_CASE("images that are missing or empty or half-written or no images") {
  const Scene scene;
  const auto good = scene.photograph("good.png", 160, 120);
  const auto match = [&](const std::string& other) {
    return std::vector<std::string>{"match", good, other, "-m", scene.model("tfeat")};
  };
  (void)scene.model("tfeat");
  expect_error(scene, match(scene.path("missing.png")), {"missing.png"});
  expect_error(scene, match(scene.folder().file("empty.png", "").string()), {"empty.png"});
  expect_error(scene, match(scene.folder().file("text.jpg", "this is not a picture").string()), {"text.jpg"});
  expect_error(scene, match(scene.folder().file("half.png", first_half(good)).string()), {"half.png"});
  expect_error(scene, match(scene.folder().path().string()), {scene.folder().path().string()});
}

TEST_CASE("arrays of a wrong kind") {
  const Scene scene;
  (void)scene.model("siam-l2");
  const auto file = [&](const std::string& name, const std::string& content) {
    return describe(scene, scene.folder().file(name, content).string());
  };
  expect_error(scene, describe(scene, scene.path("missing.npy")), {"missing.npy", "No such file"});
  expect_error(scene, file("empty.npy", ""), {"empty.npy"});
  expect_error(scene, file("garbage.npy", "not an array at all"), {"garbage.npy"});
  expect_error(scene,
               file("type.npy", npy_text("{'descr': '<i2', 'fortran_order': False, 'shape': (1, 64, 64), }", 8192)),
               {"type.npy", "i2"});
  expect_error(scene,
               file("order.npy", npy_text("{'descr': '|u1', 'fortran_order': True, 'shape': (1, 64, 64), }", 4096)),
               {"order.npy", "ortran"});
  expect_error(scene,
               file("short.npy", npy_text("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 64, 64), }", 4096)),
               {"short.npy"});
  expect_error(scene, file("flat.npy", npy_text("{'descr': '|u1', 'fortran_order': False, 'shape': (4096,), }", 4096)),
               {"flat.npy"});
  expect_error(scene,
               file("huge.npy",
                    npy_text("{'descr': '|u1', 'fortran_order': False, 'shape': (4611686018427387904, 64, 64), }", 64)),
               {"huge.npy"});
  expect_error(scene, describe(scene, scene.floats("float.npy", normal_floats(4096, 1), {1, 64, 64})),
               {"float.npy", "float32"});
  expect_error(scene, describe(scene, scene.patches("small.npy", 2, 32)), {"small.npy", "32x32", "64x64"});
}

TEST_CASE("values that are not numbers are reported with their patch or descriptor") {
  const Scene scene;
  std::vector<float> pixels = normal_floats(3 * 64 * 64, 1);
  pixels[2 * 4096 + 5] = std::numeric_limits<float>::quiet_NaN();
  auto arguments = describe(scene, scene.floats("nan.npy", pixels, {3, 64, 64}));
  arguments.push_back("--raw");
  expect_error(scene, arguments, {"nan.npy", "patch 2"});

  std::vector<float> values = normal_floats(4 * 256, 2);
  values[256 + 3] = std::numeric_limits<float>::infinity();
  const auto descriptors = scene.floats("inf.npy", values, {4, 256});
  expect_error(scene, {"grid", descriptors, descriptors, "-m", scene.model("siam-l2"), "-o", scene.path("out")},
               {"inf.npy", "descriptor 1"});
}

TEST_CASE("pairs that point beyond the patches or are no pairs") {
  const Scene scene;
  const auto patches = scene.patches("p.npy", 5);
  const auto score = [&](const std::string& pairs) {
    return std::vector<std::string>{
        "score", patches, "--pairs", pairs, "-m", scene.model("siam-l2"), "-o", scene.path("out.npy")};
  };
  (void)scene.model("siam-l2");
  expect_error(scene, score(scene.pairs("beyond.npy", {0, 1, 2, 5})), {"beyond.npy", "5"});
  expect_error(scene, score(scene.pairs("negative.npy", {0, 1, -1, 2})), {"negative.npy", "-1"});
  expect_error(scene, score(scene.floats("floats.npy", {0, 1}, {1, 2})), {"floats.npy", "float32"});
  expect_error(scene, score(scene.folder().file("list.txt", "0 0 0 1 0 0\n0 0 zero 1 0 0\n").string()),
               {"list.txt", "2"});
  expect_error(scene, score(scene.path("missing.npy")), {"missing.npy"});
  CHECK(run_twinpatch(score(scene.pairs("none.npy", {}))).code == 0);  // nothing to do is done
}

TEST_CASE("models that are missing or broken or of another kind than the task") {
  const Scene scene;
  const auto patches = scene.patches("p.npy", 4);
  const auto pairs = scene.pairs("pairs.npy", {0, 1});
  const auto score = [&](const std::string& model) {
    return std::vector<std::string>{"score", patches, "--pairs", pairs, "-m", model, "-o", scene.path("out.npy")};
  };
  expect_error(scene, score("no-such-model"), {"no-such-model"});
  expect_error(scene, score(scene.path("missing.safetensors")), {"missing.safetensors"});
  const auto model = scene.model("siam");
  expect_error(scene, score(scene.folder().file("half.safetensors", first_half(model)).string()), {"half.safetensors"});
  expect_error(scene, score(scene.folder().file("empty.safetensors", "").string()), {"empty.safetensors"});

  const auto two_channel = scene.model("2ch");
  expect_error(scene, {"describe", patches, "-m", two_channel, "-o", scene.path("out.npy")}, {"2ch"});
  const auto descriptors = scene.floats("d.npy", normal_floats(2 * 256, 1), {2, 256});
  expect_error(scene, {"grid", descriptors, descriptors, "-m", two_channel, "-o", scene.path("out")},
               {"d.npy", "2-channel"});
  const auto narrow = scene.floats("narrow.npy", normal_floats(2 * 100, 1), {2, 100});
  expect_error(scene, {"grid", narrow, narrow, "-m", model, "-o", scene.path("out")}, {"narrow.npy", "100", "256"});

  auto tower = twinpatch::random_model(twinpatch::network("siam"), 1);
  tower.descriptor_only = true;
  std::erase_if(tower.weights, [](const auto& weight) { return weight.first.starts_with("decision"); });
  twinpatch::save_model(scene.path("tower.safetensors"), tower);
  expect_error(scene, score(scene.path("tower.safetensors")), {"decision"});
  const auto photograph = scene.photograph("a.png", 160, 120);
  expect_error(scene, {"match", photograph, photograph, "-m", scene.model("chopra-2005")}, {"56x46"});
}

TEST_CASE("outputs that cannot be written are refused before the work") {
  const Scene scene;
  const auto patches = scene.patches("p.npy", 4);
  const auto model = scene.model("siam-l2");
  const auto describe_to = [&](const std::string& out) {
    return std::vector<std::string>{"describe", patches, "-m", model, "-o", out};
  };
  expect_error(scene, describe_to(scene.path("missing/out.npy")), {"missing", "does not exist"});
  expect_error(scene, describe_to("/proc/out.npy"), {"/proc", "cannot write"});  // read-only, to root as well
  expect_error(scene, describe_to(scene.folder().path().string()), {"is a folder"});
  expect_error(scene, describe_to(patches), {"p.npy", "overwrite an input"});
  expect_error(scene,
               {"grid", patches, patches, "-m", model, "-o", scene.path("a"), "--full", scene.path("a.scores.npy")},
               {"a.scores.npy", "-o", "--full"});
  const auto left = scene.photograph("l.png", 160, 120);
  expect_error(scene,
               {"match", left, left, "-m", model, "--view", scene.path("v.png"), "--patches", scene.path("./v.png")},
               {"v.png", "--view", "--patches"});
}

TEST_CASE("a disk that fills up while writing leaves nothing half-written") {
  const Scene scene;
  const auto patches = scene.patches("p.npy", 400, 32);
  expect_error(scene, {"describe", patches, "-m", scene.model("tfeat"), "-o", scene.path("out.npy")}, {"out.npy"},
               {.largest_file = 100'000});
  expect_error(scene, {"grid", patches, patches, "-m", scene.model("tfeat"), "--full", scene.path("full.npy")},
               {"full.npy"}, {.largest_file = 100'000});
}

TEST_CASE("file names with spaces and letters of all alphabets work") {
  const Scene scene;
  const auto model = scene.model("tfeat");
  const auto patches = scene.patches("Приклад 例 ü.npy", 6, 32);
  const auto out = scene.path("ergebnis größe 2.npy");
  const auto result = run_twinpatch({"describe", patches, "-m", model, "-o", out, "--json"});
  INFO(result.err);
  CHECK(result.code == 0);
  CHECK(result.json()["out"] == out);
  CHECK(read_array(out).shape == std::vector<std::int64_t>{6, 128});
  // Relative paths, from the folder itself.
  CHECK(run_twinpatch({"describe", "Приклад 例 ü.npy", "-m", model, "-o", "relative.npy"},
                      {.folder = scene.folder().path().string()})
            .code == 0);
  CHECK(scene.has("relative.npy"));
}

TEST_CASE("an input given twice is taken twice") {
  const Scene scene;
  const auto patches = scene.patches("p.npy", 3);
  const auto again = scene.path("./p.npy");
  const auto result =
      run_twinpatch({"describe", patches, again, "-m", scene.model("siam-l2"), "-o", scene.path("out.npy")});
  INFO(result.err);
  REQUIRE(result.code == 0);
  const auto rows = read_array(scene.path("out.npy"));
  REQUIRE(rows.shape == std::vector<std::int64_t>{6, 256});
  CHECK(std::equal(rows.values.begin(), rows.values.begin() + 3 * 256, rows.values.begin() + 3 * 256));

  const auto left = scene.photograph("a.png", 200, 160);
  const auto itself = run_twinpatch({"match", left, scene.path("./a.png"), "-m", scene.model("siam-l2")});
  INFO(itself.err);
  CHECK(itself.code == 0);
}

TEST_CASE("one patch and no patch are described") {
  const Scene scene;
  for (const std::int64_t count : {0, 1}) {
    const auto result = run_twinpatch(describe(scene, scene.patches("p.npy", count)));
    INFO(result.err);
    CHECK(result.code == 0);
    CHECK(read_array(scene.path("out.npy")).shape == std::vector<std::int64_t>{count, 256});
  }
}

TEST_CASE("datasets that are none or lack their labels") {
  const Scene scene;
  const auto model = scene.model("siam-l2");
  expect_error(scene, {"eval", scene.folder().path().string(), "-m", model}, {"PhotoTour"});
  expect_error(scene, {"eval", scene.patches("p.npy", 3), "-m", model}, {"p.npy", "PhotoTour"});
  const auto tour = scene.photo_tour("tour");
  expect_error(scene, {"eval", tour, "-m", model, "--pairs", scene.pairs("pairs.npy", {0, 1, 2, 3})},
               {"pairs.npy", "labels"});
  std::filesystem::remove(tour + "/m50_150_150_0.txt");
  expect_error(scene, {"eval", tour, "-m", model}, {"tour", "m50"});
  std::filesystem::remove(tour + "/patches0001.png");
  expect_error(scene, describe(scene, tour), {"tour"});
}
