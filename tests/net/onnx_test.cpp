// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/net/onnx.hpp"

#include <catch2/catch.hpp>
#include <set>

#include "support/message.hpp"
#include "twinpatch/core/error.hpp"

using namespace twinpatch;
using Catch::Contains;

namespace {

std::int64_t floats_of(const OnnxModel& graph) {
  std::int64_t count = 0;
  for (const auto& [name, tensor] : graph.constants) {
    const auto* floats = std::get_if<std::vector<float>>(&tensor.values);
    if (floats != nullptr && !tensor.shape.empty()) count += std::ssize(*floats);
  }
  return count;
}

/// Every input of a node exists before it, every output has one maker, and nothing is there in vain.
void expect_well_formed(const OnnxModel& graph) {
  std::set<std::string> known;
  std::set<std::string> used;
  for (const auto& [name, tensor] : graph.constants) CHECK(known.insert(name).second);
  for (const OnnxValue& input : graph.inputs) CHECK(known.insert(input.name).second);
  for (const OnnxNode& node : graph.nodes) {
    INFO(node.name);
    for (const std::string& input : node.inputs) {
      CHECK(known.contains(input));
      used.insert(input);
    }
    REQUIRE(node.outputs.size() == 1);
    CHECK(known.insert(node.outputs[0]).second);
  }
  for (const OnnxValue& output : graph.outputs) used.insert(output.name);
  CHECK(known == used);
}

}  // namespace

TEST_CASE("every network becomes a well-formed ONNX graph that reads back as it was") {
  for (const NetworkSpec& spec : catalogue()) {
    INFO(spec.name);
    const Model model = random_model(spec, 5);
    const OnnxModel graph = to_onnx(model);
    const auto bytes = serialize_onnx(graph);
    const OnnxModel again = parse_onnx(bytes, "g.onnx");
    expect_well_formed(again);
    CHECK(serialize_onnx(again) == bytes);
    CHECK(again.name == spec.name);
    CHECK(again.operator_set == 13);
    CHECK(again.metadata.at("twinpatch.hash") == model_hash(model));
    CHECK(floats_of(again) == cost(fold_batch_normalisation(model).spec).parameters);
    const Extent size = spec.input.value_or(Extent{64, 64});
    const std::vector<std::int64_t> patches{-1, 1, size.height, size.width};
    for (const OnnxValue& input : again.inputs) CHECK(input.shape == patches);
    REQUIRE(again.outputs.size() == 1);
    if (is_symmetric(spec)) {
      REQUIRE(again.inputs.size() == 1);
      CHECK(again.outputs[0].name == "descriptors");
      CHECK(again.outputs[0].shape == std::vector<std::int64_t>{-1, branch_size(spec)});
    } else {
      REQUIRE(again.inputs.size() == 2);
      CHECK(again.inputs[0].name == "left");
      CHECK(again.inputs[1].name == "right");
      CHECK(again.outputs[0].name == "scores");
      CHECK(again.outputs[0].shape == std::vector<std::int64_t>{-1});
    }
  }
}

TEST_CASE("ONNX graphs are made for a size of patches that fits the network") {
  const Model any = random_model(network("siam-spp-l2"), 1);
  CHECK(to_onnx(any, Extent{50, 72}).inputs[0].shape == std::vector<std::int64_t>{-1, 1, 50, 72});
  CHECK_THAT(test::message_of<ShapeError>([&] { (void)to_onnx(any, Extent{45, 64}); }), Contains("at least 46×46"));
  const Model fixed = random_model(network("tfeat"), 1);
  CHECK_THAT(test::message_of<ShapeError>([&] { (void)to_onnx(fixed, Extent{64, 64}); }), Contains("32×32"));
  Model tower = random_model(network("siam"), 1);
  std::erase_if(tower.weights, [](const auto& weight) { return weight.first.starts_with("decision"); });
  tower.descriptor_only = true;
  CHECK(to_onnx(tower).outputs[0].shape == std::vector<std::int64_t>{-1, 256});
  Model towers = random_model(network("pseudo-siam"), 1);
  std::erase_if(towers.weights, [](const auto& weight) { return weight.first.starts_with("decision"); });
  towers.descriptor_only = true;
  CHECK_THAT(test::message_of<InvalidArgument>([&] { (void)to_onnx(towers); }), Contains("no single ONNX model"));
}
