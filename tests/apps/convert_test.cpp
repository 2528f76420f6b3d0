// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "apps/process.hpp"
#include "apps/scene.hpp"
#include "support/random.hpp"
#include "support/torch_writer.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/formats/onnx.hpp"

// Weights of other programs, from the command line.

using namespace twinpatch::test;
using Catch::Contains;

namespace {

/// A file as torch.save writes it, with the layers of TFeat.
std::vector<NamedTensor> tfeat_tensors() {
  return {
      {"features.1.weight", {32, 1, 7, 7}, normal_floats(1568, 1)},   {"features.1.bias", {32}, normal_floats(32, 2)},
      {"features.4.weight", {64, 32, 6, 6}, normal_floats(73728, 3)}, {"features.4.bias", {64}, normal_floats(64, 4)},
      {"descr.0.weight", {128, 4096}, normal_floats(524288, 5)},      {"descr.0.bias", {128}, normal_floats(128, 6)}};
}

std::string as_file(const Scene& scene, const std::string& name, const std::vector<NamedTensor>& tensors) {
  return scene.folder().file(name, as_torch_archive(pickle::dictionary(tensors), tensors)).string();
}

/// Converts to a file that must not come to be, and returns the one line that says why.
std::string refusal(const Scene& scene, const std::string& in, std::vector<std::string> options) {
  std::vector<std::string> arguments{"model", "convert", in, scene.path("out"), "--quiet"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  const auto result = run_twinpatch(arguments);
  INFO(result.err);
  CHECK(result.code == 1);
  CHECK(result.out.empty());
  CHECK(lines_of(result.err).size() == 1);
  CHECK_FALSE(scene.has("out"));
  return result.err;
}

}  // namespace

TEST_CASE("model convert makes a model of a PyTorch file and says which tensor became which weight") {
  const Scene scene;
  const std::string in = as_file(scene, "tfeat.pth", tfeat_tensors());
  const std::string out = scene.path("tfeat.safetensors");
  const auto result = run_twinpatch({"model", "convert", in, out, "--network", "tfeat", "--json"});
  REQUIRE(result.code == 0);
  CHECK(result.json()["weights"]["branch.0.5.weight"] == "descr.0.weight");
  CHECK(result.json()["unused"].empty());
  CHECK_THAT(result.err, Contains("branch.0.0.weight <- features.1.weight [32, 1, 7, 7]"));
  CHECK(run_twinpatch({"model", "show", out, "--json"}).json()["hash"] == result.json()["hash"]);
  CHECK(run_twinpatch({"describe", scene.patches("p.npy", 2, 32), "-m", out, "-o", scene.path("d.npy")}).code == 0);
}

TEST_CASE("model convert takes a network and a map from files") {
  const Scene scene;
  const std::string network = scene.folder().file("mine.json", R"({"version":1,"name":"mine","summary":"","input":[4,4],
    "coupling":"siamese","streams":[{"view":"whole","layers":[{"kind":"linear","in":16,"out":2},{"kind":"tanh"},
    {"kind":"linear","in":2,"out":2}]}],"decision":{"kind":"l2"}})");
  const std::string in = as_file(scene, "in.pth",
                                 {{"last.weight", {2, 2}, {1, 2, 3, 4}},
                                  {"last.bias", {2}, {5, 6}},
                                  {"first.weight", {2, 16}, normal_floats(32, 1)},
                                  {"first.bias", {2}, {7, 8}}});
  const std::string map = scene.folder().file("map.txt",
                                              "branch.0.0.weight first.weight\nbranch.0.0.bias first.bias\n"
                                              "branch.0.2.weight last.weight\nbranch.0.2.bias last.bias\n");
  CHECK_THAT(refusal(scene, in, {"--network", network}),
             Contains("last.weight [2, 2] for branch.0.0.weight [2, 16]") &&
                 Contains("first.weight [2, 16] for branch.0.2.weight [2, 2]"));
  const std::string out = scene.path("m.safetensors");
  REQUIRE(run_twinpatch({"model", "convert", in, out, "--network", network, "--map", map}).code == 0);
  CHECK(twinpatch::load_model(out).weights.at("branch.0.2.bias").values == std::vector<float>{5, 6});
  CHECK(run_twinpatch({"model", "convert", in, out, "--map", map}).code == 2);
}

TEST_CASE("model convert refuses what is no file of weights, or not of this network") {
  const Scene scene;
  const std::string in = as_file(scene, "tfeat.pth", tfeat_tensors());
  CHECK_THAT(refusal(scene, in, {}), Contains("a PyTorch file, which does not say of which network"));
  CHECK_THAT(refusal(scene, in, {"--network", "tfaet"}), Contains("unknown network \"tfaet\"") && Contains("tfeat"));
  CHECK_THAT(refusal(scene, in, {"--network", "none.json"}), Contains("none.json"));
  CHECK_THAT(refusal(scene, in, {"--network", "hardnet"}),
             Contains("tfeat.pth: its tensors are not those of network hardnet") && Contains("left over:") &&
                 Contains("missing:") && Contains("of other sizes:"));
  const auto file = [&](const std::string& content) { return scene.folder().file("x.pth", content).string(); };
  CHECK_THAT(refusal(scene, file(as_zip({{"a.txt", "hello"}})), {"--network", "tfeat"}),
             Contains("x.pth: byte 0: a zip archive without data.pkl: no PyTorch file"));
  const std::string code = pickle::global("os", "system") + pickle::text("touch code-ran") + "\x85R";
  CHECK_THAT(refusal(scene, file(as_torch_archive(code, {})), {"--network", "tfeat"}),
             Contains("x.pth, archive/data.pkl: byte 2: a pickle that uses os.system"));
  CHECK_THAT(refusal(scene, scene.patches("p.npy", 1), {"--network", "tfeat"}), Contains("expected weights as"));
  const std::string typed = "}" + pickle::text("w") + pickle::tensor(pickle::storage("0", 1, "LongStorage"), {1}) + "s";
  const std::string map = scene.folder().file("map.txt", "branch.0.0.weight w\n");
  CHECK_THAT(refusal(scene, file(as_zip({{"a/data.pkl", pickle::whole(typed)}, {"a/data/0", std::string(8, 'x')}})),
                     {"--network", "tfeat", "--map", map}),
             Contains("w [1] for branch.0.0.weight [32, 1, 7, 7]") && Contains("missing in the map:"));
}

TEST_CASE("model export writes ONNX for a model that ships, and for any size of patches") {
  const Scene scene;
  const std::string out = scene.path("m.onnx");
  const auto result = run_twinpatch({"model", "export", scene.model("siam"), "--onnx", "-o", out, "--json"});
  REQUIRE(result.code == 0);
  CHECK(result.json()["inputs"] == nlohmann::json{"left", "right"});
  CHECK(result.json()["output"] == "scores");
  const auto bytes = twinpatch::read_file(out);
  CHECK(result.json()["hash"] == twinpatch::parse_onnx(bytes, out).metadata.at("twinpatch.hash"));
  const auto sized =
      run_twinpatch({"model", "export", scene.model("siam-spp-l2"), "--onnx", "-o", out, "--size", "80", "--json"});
  REQUIRE(sized.code == 0);
  CHECK(sized.json()["patch"] == nlohmann::json{80, 80});
  CHECK(run_twinpatch({"model", "export", scene.model("siam"), "-o", out}).code == 2);
  CHECK(run_twinpatch({"model", "export", scene.model("siam"), "--onnx"}).code == 2);
  CHECK(run_twinpatch({"model", "export", scene.model("siam"), "--onnx", "-o", out, "--size", "80"}).code == 1);
  // And back: the graph has the normalisation of patches, which is no layer.
  CHECK_THAT(refusal(scene, out, {"--network", "tfeat"}), Contains("m.onnx") && Contains("ONNX"));
}
