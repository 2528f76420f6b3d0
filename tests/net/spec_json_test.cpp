// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <string>

#include "twinpatch/core/error.hpp"
#include "twinpatch/net/spec.hpp"

using namespace twinpatch;
using Catch::Contains;

namespace {

/// The network's JSON with the first `from` replaced.
std::string changed(const char* name, const std::string& from, const std::string& to) {
  std::string text = to_json(network(name));
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

void refused(const std::string& text, const char* why) {
  CHECK_THROWS_AS(spec_from_json(text, "a.json"), FormatError);
  CHECK_THROWS_WITH(spec_from_json(text, "a.json"), Contains("a.json") && Contains(why));
}

}  // namespace

TEST_CASE("every network of the catalogue survives JSON") {
  for (const NetworkSpec& spec : catalogue()) {
    CAPTURE(spec.name);
    const std::string text = to_json(spec);
    const NetworkSpec again = spec_from_json(text, "memory");
    CHECK(again == spec);
    CHECK(to_json(again) == text);
  }
}

TEST_CASE("every layer kind and option survives JSON") {
  NetworkSpec spec = network("siam-spp");
  spec.name = "öd \"quoted\"";
  spec.normalisation = {.scale = 0.1,
                        .subtract_mean = false,
                        .divide_deviation = true,
                        .deviation_epsilon = 1e-300,
                        .unbiased_deviation = true};
  spec.streams[0].layers = {
      Convolution{.in = 1, .out = 3, .kernel = {3, 2}, .stride = {2, 1}, .padding = {1, 0}, .bias = false},
      BatchNormalisation{.channels = 3, .epsilon = 1.0 / 3, .affine = true},
      Activation{Activation::Kind::tanh},
      Pooling{.kind = Pooling::Kind::average, .window = {3, 2}, .stride = {2, 3}, .ceil = true},
      Subsampling{.channels = 3, .window = {1, 2}},
      SpatialPyramid{{2, 1}},
      Linear{15, 4}};
  spec.decision = DecisionMetric{DecisionMetric::Kind::l1, false};
  CHECK(spec_from_json(to_json(spec), "memory") == spec);
}

TEST_CASE("the keys stand in a fixed order") {
  CHECK(
      to_json(network("siam-l2"))
          .starts_with(
              R"({"version":1,"name":"siam-l2","summary":"siamese network, 256-d descriptors compared by Euclidean distance",)"
              R"("input":[64,64],"minimum_input":[1,1],"normalisation":{"scale":)"));
}

TEST_CASE("what may be left out has its default") {
  const NetworkSpec spec = spec_from_json(
      R"({"version":1,"name":"mine","input":[8,8],"coupling":"siamese",
          "streams":[{"view":"whole","layers":[{"kind":"convolution","in":1,"out":2,"kernel":[3,3]}]}],
          "decision":{"kind":"l2"}})",
      "memory");
  CHECK(spec.normalisation == Normalisation{});
  CHECK(std::get<DecisionMetric>(spec.decision).normalise);
  CHECK(branch_size(spec) == 72);
}

TEST_CASE("text that is no specification is refused where it goes wrong") {
  refused("", "not well-formed JSON");
  refused("[]", "must be an object");
  refused("{\"version\":1", "not well-formed JSON");
  refused("{}", "\"version\" is missing");
  refused(changed("siam", "\"version\":1", "\"version\":2"), "version: must be 1, found 2");
  refused(changed("siam", "\"name\"", "\"nome\""), "\"name\" is missing");
  refused(changed("siam", "\"summary\"", "\"colour\""), "unknown key \"colour\"");
  refused(changed("siam", "\"summary\"", "\"name\""), "duplicate key \"name\"");
  refused(changed("siam", "\"kind\":\"relu\"", "\"kind\":\"gelu\""), "streams[0].layers[1].kind: must be convolution");
  refused(changed("siam", "\"bias\":true", "\"bias\":true,\"groups\":2"),
          "streams[0].layers[0]: unknown key \"groups\"");
  refused(changed("siam", "\"bias\":true", "\"bias\":1"), "streams[0].layers[0].bias: must be true or false");
  refused(changed("siam", "\"in\":1", "\"in\":1.5"), "streams[0].layers[0].in: must be an integer");
  refused(changed("siam", "\"in\":1", "\"in\":-1"), "streams[0].layers[0].in: must be an integer");
  refused(changed("siam", "\"in\":1", "\"in\":4294967297"), "streams[0].layers[0].in: must be an integer");
  refused(changed("siam", "\"kernel\":[7,7]", "\"kernel\":[7]"), "kernel: must be [height, width]");
  refused(changed("siam", "\"siamese\"", "\"triplet\""), "coupling: must be one of two_channel, siamese");
  refused(changed("siam-l2", "\"kind\":\"l2\"", "\"kind\":\"l3\""), "decision.kind: must be layers, l2, l1 or cosine");
}

TEST_CASE("a specification whose layers do not fit is refused") {
  refused(changed("siam", "\"out\":96", "\"out\":95"), "stream 0, layer 3: conv 192 5×5: expects 96 channels");
  refused(changed("siam", "\"out\":96", "\"out\":2147483647"), "output channels must be 1 to 65536");
  refused(changed("siam", "\"out\":96", "\"out\":0"), "output channels must be 1 to 65536");
}

TEST_CASE("deep, long and ill-encoded text is refused") {
  refused(std::string(100000, '['), "nested deeper");
  refused(std::string("{}\0{}", 5), "a zero byte");
  refused(changed("siam", "\"siam\"", R"("si\u001b[2Jam")"), "must not have control characters");
  refused(std::string((1 << 20) + 1, ' '), "at most 1048576 bytes");
  refused(changed("siam", "\"siam\"", "\"\xff\""), "not well-formed JSON");
  refused(changed("siam", "\"scale\":", "\"scale\":1e999,\"x\":"), "network specification");
}

TEST_CASE("a specification cut off anywhere is refused") {
  const std::string text = to_json(network("bromley-1994"));
  for (std::size_t length = 0; length < text.size(); ++length) {
    CHECK_THROWS_AS(spec_from_json(text.substr(0, length), "a.json"), FormatError);
  }
}
