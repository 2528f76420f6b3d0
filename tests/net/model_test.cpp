// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/net/model.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <span>

#include "support/temporary_folder.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/core/half.hpp"

using namespace twinpatch;
using Catch::Contains;

namespace {

/// A network of a few weights that has a batch normalisation.
NetworkSpec small() {
  NetworkSpec spec = network("siam");
  spec.name = "small";
  spec.input = Extent{5, 6};
  spec.streams[0].layers = {Convolution{.in = 1, .out = 2, .kernel = {3, 3}}, BatchNormalisation{.channels = 2},
                            Activation{}};
  spec.decision = DecisionLayers{{Linear{48, 3}, Activation{}, Linear{3, 1}}};
  return spec;
}

/// Sets an environment variable for the scope.
class Environment {
 public:
  Environment(const char* name, const std::string& value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    ::setenv(name, value.c_str(), 1);
  }
  ~Environment() { ::setenv(name_, old_.c_str(), 1); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* name_;
  std::string old_;
};

}  // namespace

TEST_CASE("weights have the names and shapes that the spec implies") {
  const auto shapes = weight_shapes(small());
  std::vector<std::string> names;
  for (const WeightShape& shape : shapes) names.push_back(shape.name);
  CHECK(names == std::vector<std::string>{"branch.0.0.weight", "branch.0.0.bias", "branch.0.1.running_mean",
                                          "branch.0.1.running_var", "decision.0.weight", "decision.0.bias",
                                          "decision.2.weight", "decision.2.bias"});
  CHECK(shapes[0].shape == std::vector<std::int64_t>{2, 1, 3, 3});
  CHECK(weight_shapes(small(), true).size() == 4);
  CHECK(weight_shapes(network("pseudo-siam-l2")).size() == 12);
  CHECK(weight_shapes(network("pseudo-siam-l2"))[6].name == "right.0.0.weight");
}

TEST_CASE("random models fit their spec, differ by seed and hold no zeros") {
  for (const NetworkSpec& spec : catalogue()) {
    CAPTURE(spec.name);
    if (cost(spec).parameters > 3000000) continue;  // like the others, and slow
    const Model model = random_model(spec, 1);
    CHECK_NOTHROW(check(model));
    std::int64_t parameters = 0;
    std::size_t zeros = 0;
    for (const auto& [name, tensor] : model.weights) {
      if (name.find("running") == std::string::npos) parameters += static_cast<std::int64_t>(tensor.values.size());
      for (const float value : tensor.values) zeros += value == 0 || !std::isfinite(value) ? 1U : 0U;
    }
    CHECK(parameters == cost(spec).parameters);
    CHECK(zeros == 0);
  }
  CHECK(model_hash(random_model(small(), 1)) == model_hash(random_model(small(), 1)));
  CHECK(model_hash(random_model(small(), 1)) != model_hash(random_model(small(), 2)));
  const Model siam = random_model(network("siam"), 1);
  double squares = 0;
  const auto& values = siam.weights.at("branch.0.3.weight").values;
  for (const float value : values) squares += double{value} * value;
  CHECK(squares / double(values.size()) == Approx(2.0 / (96 * 25)).epsilon(0.02));
}

TEST_CASE("a model whose weights do not fit its spec is refused by the weights' name") {
  const Model good = random_model(small(), 1);
  const auto refused = [&](const auto& change, const char* why) {
    Model model = good;
    change(model);
    CHECK_THROWS_AS(check(model), ShapeError);
    CHECK_THROWS_WITH(check(model), Contains("network small: ") && Contains(why));
  };
  refused([](Model& m) { m.weights.erase("decision.2.bias"); }, "weights decision.2.bias are missing");
  refused([](Model& m) { m.weights["extra"] = {}; }, "unexpected weights extra");
  refused([](Model& m) { m.weights["branch.0.0.bias"].shape = {3}; }, "branch.0.0.bias must be [2], found [3]");
  refused([](Model& m) { m.weights["branch.0.0.bias"].values.clear(); }, "must have 2 values, found 0");
  refused([](Model& m) { m.weights["branch.0.1.running_var"].values[0] = -1; }, "negative variance");
  refused([](Model& m) { m.descriptor_only = true; }, "unexpected weights decision.0.bias");
  Model two_channel = random_model(network("2ch"), 1);
  two_channel.descriptor_only = true;
  CHECK_THROWS_WITH(check(two_channel), Contains("cannot be descriptor-only"));
}

TEST_CASE("the hash sees every weight, the spec and the type, and no metadata") {
  const Model good = random_model(small(), 1);
  const std::string hash = model_hash(good);
  CHECK(hash.size() == 16);
  const auto other = [&](const auto& change) {
    Model model = good;
    change(model);
    return model_hash(model) != hash;
  };
  for (const auto& [name, tensor] : good.weights) {
    CHECK(other([&, key = name](Model& m) { m.weights[key].values.back() += 1e-3F; }));
    for (const TensorType type : {TensorType::f16, TensorType::bf16, TensorType::i8})
      CHECK(other([&, key = name](Model& m) { m.weights[key].stored_as = type; }));
  }
  CHECK(other([](Model& m) { m.spec.normalisation.subtract_mean = false; }));
  CHECK_FALSE(other([](Model& m) { m.metadata["data"] = "x"; }));
}

TEST_CASE("a saved model comes back whole") {
  const test::TemporaryFolder folder;
  Model model = random_model(small(), 7);
  model.metadata = {{"data", "Liberty, ünïcode"}, {"training", R"({"steps":3})"}};
  save_model(folder / "a b.safetensors", model);
  const Model again = load_model(folder / "a b.safetensors");
  CHECK(again.spec == model.spec);
  CHECK(again.metadata == model.metadata);
  CHECK_FALSE(again.descriptor_only);
  CHECK(model_hash(again) == model_hash(model));
  for (const auto& [name, tensor] : model.weights) CHECK(again.weights.at(name).values == tensor.values);
  // Saving is deterministic.
  save_model(folder / "b.safetensors", again);
  CHECK(read_file(folder / "a b.safetensors") == read_file(folder / "b.safetensors"));
}

TEST_CASE("a descriptor-only model comes back as one") {
  const test::TemporaryFolder folder;
  Model model = random_model(small(), 7);
  std::erase_if(model.weights, [](const auto& weight) { return weight.first.starts_with("decision"); });
  model.descriptor_only = true;
  save_model(folder / "d.safetensors", model);
  CHECK(load_model(folder / "d.safetensors").descriptor_only);
}

TEST_CASE("half precision is rounded once, and the hash is that of the rounded values") {
  const test::TemporaryFolder folder;
  for (const TensorType type : {TensorType::f16, TensorType::bf16}) {
    Model model = random_model(small(), 7);
    store_as(model, type);
    save_model(folder / "h.safetensors", model);
    const Model again = load_model(folder / "h.safetensors");
    CHECK(model_hash(again) == model_hash(model));
    for (const auto& [name, tensor] : again.weights) {
      CHECK(tensor.stored_as == type);
      for (std::size_t i = 0; i < tensor.values.size(); ++i) {
        const float exact = model.weights.at(name).values[i];
        CHECK(tensor.values[i] ==
              (type == TensorType::f16 ? from_half(to_half(exact)) : from_bfloat16(to_bfloat16(exact))));
      }
    }
    save_model(folder / "i.safetensors", again);
    CHECK(read_file(folder / "h.safetensors") == read_file(folder / "i.safetensors"));
  }
}

TEST_CASE("8-bit weights are within half a step of a 127th of their row's largest, and stay when saved again") {
  const test::TemporaryFolder folder;
  Model model = random_model(small(), 11);
  for (float& value : std::span(model.weights["branch.0.0.weight"].values).first(9)) value = 0;
  model.weights["decision.0.weight"].values[1] = -3.5F;
  store_as(model, TensorType::i8);
  save_model(folder / "q.safetensors", model);
  const Model again = load_model(folder / "q.safetensors");
  CHECK(model_hash(again) == model_hash(model));
  REQUIRE(again.weights.size() == model.weights.size());
  for (const auto& [name, tensor] : model.weights) {
    const Tensor& got = again.weights.at(name);
    CHECK(got.shape == tensor.shape);
    CHECK(got.stored_as == tensor.stored_as);
    if (tensor.shape.size() < 2) {
      CHECK(got.values == tensor.values);
      continue;
    }
    const std::size_t size = tensor.values.size() / static_cast<std::size_t>(tensor.shape.front());
    for (std::size_t row = 0; row * size < tensor.values.size(); ++row) {
      float largest = 0;
      for (std::size_t i = row * size; i < (row + 1) * size; ++i)
        largest = std::max(largest, std::abs(tensor.values[i]));
      for (std::size_t i = row * size; i < (row + 1) * size; ++i)
        CHECK(std::abs(got.values[i] - tensor.values[i]) <= 0.5001F * largest / 127 * 1.0005F);
    }
  }
  save_model(folder / "r.safetensors", again);
  CHECK(read_file(folder / "q.safetensors") == read_file(folder / "r.safetensors"));
  // Floats again: the same values, four times the room.
  Model floats = again;
  store_as(floats, TensorType::f32);
  save_model(folder / "f.safetensors", floats);
  CHECK(load_model(folder / "f.safetensors").weights.at("decision.0.weight").values ==
        again.weights.at("decision.0.weight").values);
}

TEST_CASE("8-bit weights without their scales are refused") {
  const test::TemporaryFolder folder;
  Model model = random_model(small(), 11);
  store_as(model, TensorType::i8);
  save_model(folder / "q.safetensors", model);
  const SafeTensors good = read_safetensors(folder / "q.safetensors");
  const auto refused = [&](const auto& change, const char* why) {
    SafeTensors content = good;
    change(content.tensors);
    write_safetensors(folder / "x.safetensors", content);
    CHECK_THROWS_WITH(load_model(folder / "x.safetensors"), Contains(why));
  };
  using Tensors = std::map<std::string, Tensor>;
  refused([](Tensors& t) { t.erase("branch.0.0.weight.scale"); },
          "expected their scales branch.0.0.weight.scale of shape [2]");
  refused([](Tensors& t) { t["branch.0.0.weight.scale"] = {{1}, {0.5F}}; }, "of shape [2]");
  refused([](Tensors& t) { t["branch.0.0.bias.scale"] = {{2}, {1, 1}}; }, "unexpected weights branch.0.0.bias.scale");
  refused([](Tensors& t) { t["branch.0.0.weight.scale"].values[1] *= 2; }, "damaged: its hash is");
  refused([](Tensors& t) { t["branch.0.0.weight.scale"].values[1] = 3e38F; },
          "weights branch.0.0.weight: a scale makes");
  refused([](Tensors& t) { t["branch.0.0.weight"].values[1] += 1; }, "damaged: its hash is");
  model.weights["branch.0.0.weight"].values[2] = std::numeric_limits<float>::infinity();
  CHECK_THROWS_AS(save_model(folder / "x.safetensors", model), InvalidArgument);
}

TEST_CASE("values that a file cannot hold are refused before anything is written") {
  const test::TemporaryFolder folder;
  const auto refused = [&](float value, TensorType type, const char* why) {
    Model model = random_model(small(), 7);
    store_as(model, type);
    model.weights["decision.0.bias"].values[1] = value;
    CHECK_THROWS_AS(save_model(folder / "x.safetensors", model), InvalidArgument);
    CHECK_THROWS_WITH(save_model(folder / "x.safetensors", model), Contains("decision.0.bias") && Contains(why));
  };
  refused(70000.0F, TensorType::f16, "cannot be stored as a finite F16");
  refused(std::numeric_limits<float>::quiet_NaN(), TensorType::f32, "cannot be stored as a finite F32");
  Model model = random_model(small(), 7);
  model.metadata["twinpatch.hash"] = "0";
  CHECK_THROWS_WITH(save_model(folder / "x.safetensors", model), Contains("are reserved"));
  CHECK(folder.names().empty());
}

TEST_CASE("a model file that was tampered with is refused") {
  const test::TemporaryFolder folder;
  const Model model = random_model(small(), 7);
  save_model(folder / "m.safetensors", model);
  const SafeTensors good = read_safetensors(folder / "m.safetensors");
  const auto load = [](const SafeTensors& content) { (void)load_model(serialize_safetensors(content), "m.st"); };
  const auto refused = [&](const auto& change, const char* why) {
    SafeTensors content = good;
    change(content);
    CHECK_THROWS_WITH(load(content), Contains("m.st") && Contains(why));
  };
  CHECK_NOTHROW(load(good));
  refused([](SafeTensors& c) { c.tensors["decision.0.weight"].values[5] += 0.5F; }, "damaged: its hash is");
  refused([](SafeTensors& c) { c.metadata.erase("twinpatch.spec"); }, "metadata \"twinpatch.spec\" is missing");
  refused([](SafeTensors& c) { c.metadata["twinpatch.hash"] = ""; }, "damaged: its hash is");
  refused([](SafeTensors& c) { c.metadata["twinpatch.descriptor_only"] = "yes"; }, "must be true or false, found");
  refused([](SafeTensors& c) { c.metadata["twinpatch.new"] = "yes"; }, "\"twinpatch.new\" is unknown");
  refused([](SafeTensors& c) { c.metadata["twinpatch.spec"] = "{}"; }, "\"version\" is missing");
  refused([](SafeTensors& c) { c.metadata["twinpatch.spec"] = to_json(network("siam")); }, "must be [96, 1, 7, 7]");
  refused([](SafeTensors& c) { c.tensors.erase("decision.0.weight"); }, "weights decision.0.weight are missing");
  CHECK_NOTHROW([&] {
    SafeTensors content = good;
    content.metadata["note"] = "metadata is not hashed";
    load(content);
  }());
}

TEST_CASE("the hash and the descriptor flag may be missing from a model file") {
  const Model model = random_model(small(), 7);
  const test::TemporaryFolder folder;
  save_model(folder / "m.safetensors", model);
  SafeTensors content = read_safetensors(folder / "m.safetensors");
  content.metadata.erase("twinpatch.hash");
  content.metadata.erase("twinpatch.descriptor_only");
  const Model again = load_model(serialize_safetensors(content), "m.st");
  CHECK(model_hash(again) == model_hash(model));
  CHECK_FALSE(again.descriptor_only);
  content.tensors["decision.0.weight"].values[5] +=
      0.5F;  // another model, and nothing that says it should be the first
  CHECK(model_hash(load_model(serialize_safetensors(content), "m.st")) != model_hash(model));
}

TEST_CASE("files of other kinds are refused by what they are") {
  const test::TemporaryFolder folder;
  const std::string bin(
      "\x03\0\0\0"
      "2ch\x01\0\0\0\0\0\0\0\0\0\0\0",
      19);
  CHECK_THROWS_WITH(load_model(folder.file("a.bin", bin)), Contains("a cvpr15deepcompare .bin file: convert it first"));
  CHECK_THROWS_AS(import_model(folder.file("a.txt", "hello, this is a text")), FormatError);
  CHECK_THROWS_WITH(import_model(folder.file("b.txt", "hello, this is a text")), Contains("not a model: expected"));
  CHECK_THROWS_AS(import_model(folder.file("empty", "")), FormatError);
  CHECK_THROWS_AS(load_model(folder.file("empty", "")), FormatError);
  CHECK_THROWS_AS(load_model(folder / "absent"), IoError);
}

TEST_CASE("models are found by file or by name") {
  const test::TemporaryFolder folder;
  const Environment environment("TWINPATCH_MODELS", (folder / "nowhere").string() + ":" + folder.path().string());
  const auto file = folder.file("some-net.safetensors", "x");
  CHECK(find_model(file.string()) == file);
  CHECK(find_model("some-net") == file);
  CHECK_THROWS_AS(find_model("other-net"), IoError);
  CHECK_THROWS_WITH(find_model("other-net"),
                    Contains("no model has this name; looked in " + (folder / "nowhere").string()) &&
                        Contains("share/twinpatch/models") && Contains("some-net"));
  CHECK_THROWS_WITH(find_model("folder/other.safetensors"), Contains("there is no such file"));
  CHECK_THROWS_WITH(find_model(folder.path().string()), Contains("found something else"));
  CHECK_THROWS_AS(find_model(""), InvalidArgument);
}

TEST_CASE("ctest tells tests where data and models are") {
  if (std::getenv("TWINPATCH_DATA_DIR") == nullptr) {
    std::puts("skipped: not run by ctest");
    return;
  }
  REQUIRE(std::getenv("TWINPATCH_MODELS") != nullptr);
  CHECK(std::filesystem::exists(std::filesystem::path(std::getenv("TWINPATCH_MODELS")) / "siam.safetensors"));
}
