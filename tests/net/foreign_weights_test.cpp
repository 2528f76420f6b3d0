// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/net/foreign_weights.hpp"

#include <catch2/catch.hpp>

#include <limits>

#include "support/message.hpp"
#include "support/random.hpp"
#include "support/temporary_folder.hpp"
#include "support/torch_writer.hpp"
#include "twinpatch/core/error.hpp"

using namespace twinpatch;
using Catch::Contains;
using test::NamedTensor;

namespace {

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

NetworkSpec small() {
  NetworkSpec spec;
  spec.name = "small";
  spec.input = Extent{6, 6};
  spec.streams = {{{},
                   {Convolution{.in = 1, .out = 2, .kernel = {3, 3}, .bias = false},
                    BatchNormalisation{.channels = 2, .affine = true}, Activation{}, Linear{32, 5}}}};
  spec.decision = DecisionMetric{};
  return spec;
}

NamedTensor tensor(const std::string& name, const std::vector<std::int64_t>& shape) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) count *= size;
  std::vector<float> values = test::normal_floats(count, name.size() + count);
  if (name.ends_with("var")) {
    for (float& value : values) value = std::abs(value) + 1;
  }
  return {name, shape, values};
}

/// As PyTorch would name the layers of `small`.
std::vector<NamedTensor> good_tensors() {
  return {tensor("features.0.weight", {2, 1, 3, 3}),
          tensor("features.1.weight", {2}),
          tensor("features.1.bias", {2}),
          tensor("features.1.running_mean", {2}),
          tensor("features.1.running_var", {2}),
          tensor("features.1.num_batches_tracked", {}),
          tensor("descr.weight", {5, 2, 4, 4}),
          tensor("descr.bias", {5})};
}

std::string as_torch(const std::vector<NamedTensor>& tensors) {
  return test::as_torch_archive(test::pickle::dictionary(tensors), tensors);
}

std::string refusal(const std::string& file, std::span<const WeightSource> map = {}) {
  return test::message_of<Error>([&] { (void)import_weights(bytes_of(file), "f.pth", small(), map); });
}

}  // namespace

TEST_CASE("weights of another program are matched by the order of layers") {
  const auto tensors = good_tensors();
  const ForeignModel result = import_weights(bytes_of(as_torch(tensors)), "f.pth", small());
  const auto& weights = result.model.weights;
  CHECK(weights.at("branch.0.0.weight").values == tensors[0].values);
  CHECK(weights.at("branch.0.1.weight").values == tensors[1].values);
  CHECK(weights.at("branch.0.1.running_var").values == tensors[4].values);
  CHECK(weights.at("branch.0.3.weight").values == tensors[6].values);  // a convolution over all of its input
  CHECK(weights.at("branch.0.3.weight").shape == std::vector<std::int64_t>{5, 32});
  CHECK(result.sources.front() == WeightSource{"branch.0.0.weight", "features.0.weight"});
  CHECK(result.sources.size() == 7);
  CHECK(result.unused == std::vector<std::string>{"features.1.num_batches_tracked"});
  const test::TemporaryFolder folder;
  save_model(folder / "m", result.model);
  CHECK(model_hash(load_model(folder / "m")) == model_hash(result.model));
}

TEST_CASE("weights in safetensors are matched by the network's own names or by the order of their numbers") {
  const Model model = random_model(small(), 3);
  SafeTensors own{.tensors = model.weights, .metadata = {}};
  CHECK(model_hash(import_weights(serialize_safetensors(own), "f", small()).model) == model_hash(model));
  SafeTensors other;
  for (const auto& [name, value] : model.weights) other.tensors["net." + name.substr(9)] = value;
  CHECK(model_hash(import_weights(serialize_safetensors(other), "f", small()).model) == model_hash(model));
  own.tensors["head.weight"] = {.shape = {1}, .values = {1}};
  CHECK_THAT(test::message_of<ShapeError>([&] { (void)import_weights(serialize_safetensors(own), "f", small()); }),
             Contains("left over: head.weight"));
}

TEST_CASE("a map says which tensor becomes which weight") {
  auto tensors = good_tensors();
  std::swap(tensors.front(), tensors.back());
  const std::string file = as_torch(tensors);
  CHECK_THAT(refusal(file), Contains("missing: branch.0.3.bias") && Contains("left over: descr.bias"));
  const std::string text =
      "# weight tensor\nbranch.0.0.weight features.0.weight\r\n\n\tbranch.0.1.weight  features.1.weight # gain\n"
      "branch.0.1.bias features.1.bias\nbranch.0.1.running_mean features.1.running_mean\n"
      "branch.0.1.running_var features.1.running_var\nbranch.0.3.weight descr.weight\nbranch.0.3.bias descr.bias";
  const auto map = parse_weight_map(text, "map.txt");
  REQUIRE(map.size() == 7);
  const ForeignModel result = import_weights(bytes_of(file), "f.pth", small(), map);
  CHECK(result.model.weights.at("branch.0.0.weight").values == tensors.back().values);
  CHECK(result.unused.size() == 1);
  CHECK_THAT(refusal(file, parse_weight_map("branch.0.0.weight x\nbranch.9.0.weight descr.bias", "m")),
             Contains("missing: x") && Contains("missing in the map: branch.0.1.weight, branch.0.1.bias") &&
                 Contains("unknown to the network: branch.9.0.weight"));
  const auto bad = [](const char* line) {
    return test::message_of<FormatError>([&] { (void)parse_weight_map(line, "map.txt"); });
  };
  CHECK_THAT(bad("a b\nc"), Contains("map.txt: line 2: expected the name of a weight and that of a tensor, found 1"));
  CHECK_THAT(bad("a b c"), Contains("found 3 words"));
  CHECK_THAT(bad("a b\na c"), Contains("line 2: duplicate weight a"));
  CHECK_THAT(bad("# nothing\n"), Contains("a map without a line"));
}

TEST_CASE("tensors of other sizes, missing and left over are all named") {
  const auto refused = [](auto change, const auto& words) {
    auto tensors = good_tensors();
    change(tensors);
    CHECK_THAT(refusal(as_torch(tensors)), Contains("f.pth: its tensors are not those of network small") && words);
  };
  using Tensors = std::vector<NamedTensor>;
  refused(
      [](Tensors& t) {
        t[0] = tensor(t[0].name, {2, 3, 3, 3}), t[6] = tensor(t[6].name, {5, 31});
      },
      Contains("of other sizes: features.0.weight [2, 3, 3, 3] for branch.0.0.weight [2, 1, 3, 3], descr.weight "
               "[5, 31] for branch.0.3.weight [5, 32]"));
  refused([](Tensors& t) { t[0] = tensor(t[0].name, {2, 3, 1, 3}); }, Contains("of other sizes: features.0.weight"));
  refused([](Tensors& t) { t.erase(t.begin() + 2); }, Contains("; missing: branch.0.1.bias"));
  refused([](Tensors& t) { t.resize(6); }, Contains("; missing: branch.0.3.weight, branch.0.3.bias"));
  refused([](Tensors& t) { t.push_back(tensor("head.weight", {1})), t.push_back(tensor("head.bias", {1})); },
          Contains("; left over: head.weight, head.bias"));
  refused([](Tensors& t) { t.clear(); }, Contains("missing: branch.0.0.weight"));
}

TEST_CASE("a tensor that is large only on paper is not allocated") {
  // One value under a stride of zero, a million million times.
  const std::string call = test::pickle::global("torch._utils", "_rebuild_tensor_v2") + "(" +
                           test::pickle::storage("0", 1) + "K" + std::string(1, '\0') +
                           test::pickle::integers({1000000, 1000000}) + test::pickle::integers({0, 0}) + "\x89" +
                           test::pickle::kOrderedDict + "tR";
  const std::string file =
      test::as_torch_archive("}" + test::pickle::text("w") + call + "s", std::vector<NamedTensor>{{"", {1}, {1}}});
  CHECK_THAT(refusal(file), Contains("left over: w"));
  const auto map = parse_weight_map("branch.0.0.weight w", "m");
  CHECK_THAT(refusal(file, map), Contains("w [1000000, 1000000] for branch.0.0.weight [2, 1, 3, 3]"));
}

TEST_CASE("files that are no weights, and values that are none, are refused") {
  CHECK_THAT(refusal("hello, this is a text"),
             Contains("expected weights as safetensors, as PyTorch's torch.save writes them, or ONNX"));
  CHECK_THAT(refusal(std::string("\x03\0\0\0"
                                 "2ch\x01\0\0\0\0\0\0\0\0\0",
                                 17)),
             Contains("names its network itself"));
  auto tensors = good_tensors();
  tensors[7].values[1] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THAT(refusal(as_torch(tensors)), Contains("tensor \"descr.bias\": element 1 is nan"));
  tensors = good_tensors();
  tensors[4].values[1] = -1;
  CHECK_THAT(refusal(as_torch(tensors)), Contains("has a negative variance"));
  const std::string file = as_torch(good_tensors());
  CHECK_THAT(test::message_of<FormatError>([&] { (void)load_model(bytes_of(file), "f.pth"); }),
             Contains("a PyTorch file, which does not say of which network"));
  CHECK_THAT(test::message_of<FormatError>([&] { (void)import_model(bytes_of(file), "f.pth"); }),
             Contains("twinpatch model convert --network"));
}
