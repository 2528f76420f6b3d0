// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/formats/onnx.hpp"

#include <catch2/catch.hpp>

#include "support/message.hpp"
#include "twinpatch/core/error.hpp"

using namespace twinpatch;
using Catch::Contains;

namespace {

OnnxModel small() {
  OnnxModel model;
  model.name = "small";
  model.constants = {{"w", {{2, 2}, std::vector<float>{1, -2, 0.5F, 4}}},
                     {"sizes", {{1}, std::vector<std::int64_t>{-1}}}};
  model.inputs = {{"x", {-1, 2}}};
  model.outputs = {{"y", {-1}}};
  model.metadata = {{"license", "CC0"}};
  model.nodes = {{"MatMul", "first", {"x", "w"}, {"z"}, {}},
                 {"Other",
                  "second",
                  {"z", "sizes"},
                  {"y"},
                  {{"axis", std::int64_t{-3}},
                   {"epsilon", 0.25F},
                   {"mode", std::string("edge")},
                   {"pads", std::vector<std::int64_t>{0, 300}},
                   {"scales", std::vector<float>{1, 2}},
                   {"value", OnnxTensor{{1}, std::vector<float>{7}}}}}};
  return model;
}

std::string refusal(std::span<const std::byte> bytes) {
  return test::message_of<FormatError>([&] { (void)parse_onnx(bytes, "g.onnx"); });
}

std::vector<std::byte> bytes_of(const std::string& text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

/// A field with a length.
std::string field(int number, const std::string& content) {
  return static_cast<char>(number << 3 | 2) + std::string(1, static_cast<char>(content.size())) + content;
}

/// A model whose graph has this one constant.
std::vector<std::byte> with_constant(const std::string& tensor) { return bytes_of(field(7, field(5, tensor))); }

}  // namespace

TEST_CASE("an ONNX graph reads back as it was written") {
  const auto bytes = serialize_onnx(small());
  const OnnxModel model = parse_onnx(bytes, "g.onnx");
  CHECK(serialize_onnx(model) == bytes);
  REQUIRE(model.nodes.size() == 2);
  const auto& attributes = model.nodes[1].attributes;
  CHECK(std::get<std::int64_t>(attributes.at("axis")) == -3);
  CHECK(std::get<float>(attributes.at("epsilon")) == 0.25F);
  CHECK(std::get<std::string>(attributes.at("mode")) == "edge");
  CHECK(std::get<std::vector<std::int64_t>>(attributes.at("pads")) == std::vector<std::int64_t>{0, 300});
  CHECK(std::get<std::vector<float>>(attributes.at("scales")) == std::vector<float>{1, 2});
  CHECK(std::get<std::vector<float>>(model.constants.at("w").values) == std::vector<float>{1, -2, 0.5F, 4});
  CHECK(model.inputs[0].shape == std::vector<std::int64_t>{-1, 2});
  CHECK(model.metadata.at("license") == "CC0");
}

TEST_CASE("constants of other types are widened or refused by their number") {
  const auto constant = [](const std::string& tensor) {
    return parse_onnx(with_constant(tensor), "g").constants.at("");
  };
  const auto floats = [&](const std::string& tensor) { return std::get<std::vector<float>>(constant(tensor).values); };
  CHECK(floats("\x08\x01\x10\x0a" + field(9, std::string("\0\x38", 2))) == std::vector<float>{0.5F});
  CHECK(floats("\x08\x01\x10\x10" + field(9, "\x80\x3f")) == std::vector<float>{1});
  CHECK(floats("\x08\x01\x10\x0a" + field(5, "\x80\x70")) == std::vector<float>{0.5F});
  CHECK(floats("\x08\x02\x10\x01" + field(4, std::string("\0\0\x80\x3f\0\0\0\x40", 8))) == std::vector<float>{1, 2});
  CHECK(floats("\x10\x0b" + field(9, std::string("\0\0\0\0\0\0\xf0\x3f", 8))) == std::vector<float>{1});
  CHECK(std::get<std::vector<std::int64_t>>(constant("\x08\x01\x10\x06" + field(9, "\xff\xff\xff\xff")).values)[0] ==
        -1);
  CHECK_THAT(refusal(with_constant("\x10\x08")), Contains("values of type 8 of ONNX"));
  CHECK_THAT(refusal(with_constant("\x08\x02\x10\x01" + field(9, std::string(4, '\0')))),
             Contains("expected 2 values, found 1"));
  CHECK_THAT(refusal(with_constant("\x08\x01\x10\x01" + field(9, std::string(5, '\0')))), Contains("cut off"));
  CHECK_THAT(refusal(with_constant("\x08\x01\x10\x01" + field(9, "\xff\xff\xff\x7f"))), Contains("not finite"));
  CHECK_THAT(refusal(with_constant("\x08\x01\x10\x01\x70\x01")), Contains("its values are in another file"));
  CHECK_THAT(refusal(with_constant("\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x08\x7f\x10\x01")),
             Contains("impossible"));
}

TEST_CASE("damaged ONNX files are refused") {
  const auto good = serialize_onnx(small());
  CHECK_THAT(refusal({}), Contains("no ONNX model: it has no graph"));
  CHECK_THAT(refusal(bytes_of("hello, this is a text")), Contains("g.onnx: byte"));
  // Every way to cut it off, but for the ends of the model's own fields.
  int refused = 0;
  for (std::size_t length = 0; length < good.size(); ++length) {
    try {
      (void)parse_onnx(std::span(good).first(length), "g.onnx");
    } catch (const FormatError&) {
      ++refused;
    }
  }
  CHECK(refused >= static_cast<int>(good.size()) - 3);
  CHECK_THAT(refusal(bytes_of(std::string(11, '\xff'))), Contains("an integer of more than 64 bits"));
  CHECK_THAT(refusal(bytes_of("\x0b")), Contains("no protobuf message"));
  CHECK_THAT(refusal(bytes_of(std::string(1, '\0') + "x")), Contains("out of range"));
  CHECK_THAT(refusal(bytes_of("\x3a\x7f")), Contains("127 bytes expected, 0 are left"));
  CHECK_THAT(refusal(bytes_of("\x38\x01")), Contains("field 7 must have a length"));
  CHECK_THAT(refusal(bytes_of(field(7, "") + field(7, ""))), Contains("a second graph"));
  CHECK_THAT(refusal(bytes_of(field(7, field(5, "\x10\x01\x08" + std::string(1, '\0')) +
                                           field(5, "\x10\x01\x08" + std::string(1, '\0'))))),
             Contains("duplicate constant"));
}
