// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/formats/safetensors.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <limits>

#include "support/message.hpp"
#include "support/random.hpp"
#include "support/temporary_folder.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/core/half.hpp"

using namespace twinpatch;
using Catch::Contains;
using test::message_of;
using test::TemporaryFolder;

namespace {

std::string model_bytes(std::string_view header, std::string_view data) {
  std::string bytes(8, '\0');
  const std::uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, 8);
  return bytes + std::string(header) + std::string(data);
}

SafeTensors parse(const std::string& bytes) {
  return parse_safetensors(std::as_bytes(std::span(bytes)), "m.safetensors");
}

std::string refusal(std::string_view header, std::string_view data) {
  return message_of<FormatError>([&] { (void)parse(model_bytes(header, data)); });
}

std::string floats(std::initializer_list<float> values) {
  return {reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(float)};
}

SafeTensors example() {
  SafeTensors content;
  content.metadata = {{"name", "siam \"größer\"\n"}, {"", "empty key"}};
  content.tensors["tower.0.weight"] = {{3, 1, 2, 2}, test::normal_floats(12, 1), TensorType::f32};
  content.tensors["tower.0.bias"] = {{3}, test::normal_floats(3, 2), TensorType::f16};
  content.tensors["空"] = {{5, 0}, {}, TensorType::bf16};
  content.tensors["scale"] = {{}, {0.5f}, TensorType::bf16};
  content.tensors["whole"] = {{2, 3}, {-128, -1, 0, 1, 77, 127}, TensorType::i8};
  return content;
}

const std::string kGood = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
const std::string kData = floats({1.5f, -2.5f});

}  // namespace

TEST_CASE("a model comes back as it was written, rounded to its types") {
  const TemporaryFolder folder;
  const SafeTensors content = example();
  write_safetensors(folder / "модель 1.safetensors", content);
  const SafeTensors read = read_safetensors(folder / "модель 1.safetensors");
  CHECK(read.metadata == content.metadata);
  REQUIRE(read.tensors.size() == 5);
  for (const auto& [name, tensor] : content.tensors) {
    const Tensor& got = read.tensors.at(name);
    CHECK(got.shape == tensor.shape);
    CHECK(got.stored_as == tensor.stored_as);
    std::vector<float> expected = tensor.values;
    for (float& value : expected) {
      if (tensor.stored_as == TensorType::f16) value = from_half(to_half(value));
      if (tensor.stored_as == TensorType::bf16) value = from_bfloat16(to_bfloat16(value));
    }
    CHECK(got.values == expected);
  }
  CHECK(serialize_safetensors(read) == serialize_safetensors(content));
  CHECK(read_file(folder / "модель 1.safetensors") == serialize_safetensors(content));
  CHECK(folder.names().size() == 1);
}

TEST_CASE("models of other writers are read") {
  CHECK(parse(model_bytes(kGood, kData)).tensors.at("a").values == std::vector<float>{1.5f, -2.5f});
  CHECK(parse(model_bytes("{}", "")).tensors.empty());
  CHECK(parse(model_bytes("{ }   ", "")).tensors.empty());
  CHECK(parse(model_bytes(R"({"__metadata__":{}})", "")).metadata.empty());
  // Tensors in any order in the header, spaces and line ends, data that starts at an odd byte.
  const SafeTensors read =
      parse(model_bytes("{\"b\" : {\"shape\":[1], \"data_offsets\":[4,8],\n\"dtype\":\"F32\"}, "
                        "\"a\":{\"data_offsets\":[0,4],\"dtype\":\"F32\","
                        "\"shape\":[1,1]}} ",
                        kData));
  CHECK(read.tensors.at("a").values == std::vector<float>{1.5f});
  CHECK(read.tensors.at("b").values == std::vector<float>{-2.5f});
}

TEST_CASE("a model cut at any byte is refused, and so is one with more") {
  const auto bytes = serialize_safetensors(example());
  const std::string whole(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  CHECK_NOTHROW(parse(whole));
  for (std::size_t length = 0; length < whole.size(); ++length) {
    INFO(length);
    CHECK_THROWS_AS(parse(whole.substr(0, length)), FormatError);
  }
  CHECK_THROWS_AS(parse(whole + "x"), FormatError);
  CHECK_THAT(message_of<FormatError>([] { (void)parse(""); }),
             Contains("m.safetensors: byte 0: ") && Contains("empty file"));
}

TEST_CASE("a header with any byte changed gives a model or a FormatError, nothing else") {
  const auto bytes = serialize_safetensors(example());
  const std::string whole(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::size_t header = 0;
  std::memcpy(&header, whole.data(), 8);
  test::Random random(23);
  int refused = 0;
  for (std::size_t at = 0; at < 8 + header; ++at) {
    for (int round = 0; round < 6; ++round) {
      std::string changed = whole;
      changed[at] = round == 0 ? '\0' : round == 1 ? '\xff' : static_cast<char>(random.below(256));
      try {
        (void)parse(changed);
      } catch (const FormatError&) {
        ++refused;
      }
    }
  }
  CHECK(refused > 0);
}

TEST_CASE("a header of more tensors than any network has is refused before they cost memory") {
  std::string json = "{";
  for (int i = 0; i <= 1 << 16; ++i) {
    json += std::string(i == 0 ? "" : ",") + "\"" + std::to_string(i) +
            R"(":{"dtype":"F32","shape":[0],"data_offsets":[0,0]})";
  }
  CHECK_THAT(message_of<FormatError>([&] { (void)parse(model_bytes(json + "}", "")); }),
             Contains("more than 65536 entries"));
}

TEST_CASE("lengths of headers are bounded by the file and by 16 MiB") {
  std::string bytes = model_bytes(kGood, kData);
  const auto with_length = [&](std::uint64_t length) {
    std::memcpy(bytes.data(), &length, 8);
    return message_of<FormatError>([&] { (void)parse(bytes); });
  };
  CHECK_THAT(with_length((16 << 20) + 1), Contains("byte 0") && Contains("at most 16777216 are read"));
  CHECK_THAT(with_length(std::numeric_limits<std::uint64_t>::max()), Contains("at most 16777216"));
  CHECK_THAT(with_length(16 << 20), Contains("byte 8: header: needs 16777216 bytes"));
  CHECK_THAT(with_length(0), Contains("expected the header to begin with {"));
}

TEST_CASE("data ranges must tile the data") {
  const auto two = [&](std::string_view a, std::string_view b) {
    return refusal(std::string(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":)") + std::string(a) +
                       R"(},"b":{"dtype":"F32","shape":[1],"data_offsets":)" + std::string(b) + "}}",
                   kData + floats({3.0f}));
  };
  CHECK_THAT(two("[0,4]", "[8,12]"), Contains("tensor \"b\": its data begin at 8, expected 4 (a gap between tensors)"));
  CHECK_THAT(two("[0,4]", "[2,6]"), Contains("tensor \"b\"") && Contains("they overlap another tensor's"));
  CHECK_THAT(two("[0,4]", "[0,4]"), Contains("overlap"));
  CHECK_THAT(two("[4,8]", "[8,12]"), Contains("tensor \"a\": its data begin at 4, expected 0"));
  CHECK_THAT(two("[0,4]", "[4,8]"), Contains("4 bytes at the end belong to no tensor"));
  CHECK_THAT(two("[0,4]", "[4,16]"), Contains("its data end at 16, the file holds 12 bytes of data"));
  CHECK_THAT(two("[0,4]", "[8,4]"), Contains("data_offsets [8, 4] are not ascending"));
  CHECK_THAT(two("[0,4]", "[4,9223372036854775807]"), Contains("the file holds 12 bytes"));
  CHECK_THAT(two("[0,4]", "[4,9223372036854775808]"), Contains("too large"));
  CHECK_THAT(two("[0,4]", "[4,99999999999999999999999]"), Contains("expected whole numbers"));
  CHECK_THAT(two("[0,4]", "[4,-8]"), Contains("the negative number -8"));
  CHECK_THAT(two("[0,4]", "[4]"), Contains("expected two data_offsets, found 1"));
  CHECK_THAT(two("[0,4]", "[4,8,12]"), Contains("more than 2 numbers"));
}

TEST_CASE("shapes must fill their bytes without overflow") {
  const auto shape = [&](std::string_view text) {
    return refusal(R"({"w":{"dtype":"F32","shape":)" + std::string(text) + R"(,"data_offsets":[0,8]}})", kData);
  };
  CHECK_THAT(shape("[3]"), Contains("tensor \"w\": the shape [3] of F32 does not fill its 8 bytes"));
  CHECK_THAT(shape("[]"), Contains("does not fill"));
  CHECK_THAT(shape("[0,2]"), Contains("does not fill"));
  CHECK_THAT(shape("[4294967296,4294967296]"), Contains("overflows 64 bits"));
  CHECK_THAT(shape("[4611686018427387906]"), Contains("does not fill"));  // times four it would wrap around to eight
  CHECK_THAT(shape("[1,1,1,1,1,1,1,1,2]"), Contains("more than 8 numbers in \"shape\""));
  CHECK_THAT(shape("[-2]"), Contains("negative number"));
  CHECK_THAT(shape("[2.0]"), Contains("expected whole numbers in \"shape\", found the number 2.0"));
  CHECK_THAT(shape("[[2]]"), Contains("found an array"));
  CHECK_THAT(shape("2"), Contains("expected a list of whole numbers under \"shape\""));
}

TEST_CASE("tensor types are refused by name") {
  for (const char* type : {"F64", "I64", "U8", "BOOL", "F8_E4M3", "f32", "", "F32 "}) {
    CHECK_THAT(refusal(R"({"w":{"dtype":")" + std::string(type) + R"(","shape":[2],"data_offsets":[0,8]}})", kData),
               Contains("tensor \"w\": expected dtype F32, F16, BF16 or I8, found \"" + std::string(type) + "\""));
  }
}

TEST_CASE("keys that appear twice are refused at every level") {
  CHECK_THAT(refusal(kGood.substr(0, kGood.size() - 1) + "," + kGood.substr(1), kData),
             Contains("m.safetensors: byte ") && Contains("duplicate key \"a\""));
  CHECK_THAT(refusal(R"({"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}})", kData),
             Contains("duplicate key \"dtype\" in tensor \"a\""));
  CHECK_THAT(refusal(R"({"__metadata__":{"x":"1","x":"2"}})", ""), Contains("duplicate key \"x\" in __metadata__"));
  CHECK_THAT(refusal(R"({"__metadata__":{},"__metadata__":{}})", ""), Contains("duplicate key \"__metadata__\""));
  CHECK_THAT(refusal(kGood.substr(0, kGood.size() - 1) + R"(,"\u0061":{}})", kData), Contains("duplicate key \"a\""));
}

TEST_CASE("headers of another form are refused") {
  CHECK_THAT(refusal("[]", ""), Contains("begin with {"));
  CHECK_THAT(refusal(" {}", ""), Contains("begin with {"));
  CHECK_THAT(refusal("{", ""), Contains("not valid JSON"));
  CHECK_THAT(refusal("{}x", ""), Contains("not valid JSON"));
  CHECK_THAT(refusal("{\"a\":1}", ""), Contains("expected an object under \"a\", found a number"));
  CHECK_THAT(refusal("{\"a\":null}", ""), Contains("found null"));
  CHECK_THAT(refusal("{\"a\":[]}", ""), Contains("found an array"));
  CHECK_THAT(refusal("{\"a\":\"b\"}", ""), Contains("found a string"));
  CHECK_THAT(refusal("{\"a\":true}", ""), Contains("found true or false"));
  CHECK_THAT(refusal(R"({"__metadata__":{"x":1}})", ""), Contains("expected a string under \"x\""));
  CHECK_THAT(refusal(R"({"__metadata__":{"x":{}}})", ""), Contains("expected a string under \"x\", found an object"));
  CHECK_THAT(refusal(R"({"__metadata__":"x"})", ""), Contains("expected an object under \"__metadata__\""));
  CHECK_THAT(refusal(R"({"a":{"dtype":"F32","shape":[2]}})", kData),
             Contains("expected dtype, shape and data_offsets"));
  CHECK_THAT(refusal(R"({"a":{"dtype":"F32","stride":[2]}})", kData),
             Contains("unknown key \"stride\" in tensor \"a\""));
  CHECK_THAT(refusal(R"({"a":{"dtype":["F32"]}})", kData), Contains("expected a string under \"dtype\""));
  std::string deep = R"({"a":)";
  for (int i = 0; i < 100'000; ++i) deep += "{\"a\":";
  CHECK_THROWS_AS(parse(model_bytes(deep, "")), FormatError);
  CHECK_THROWS_AS(parse(model_bytes(std::string("{\"a\":") + std::string(100'000, '['), "")), FormatError);
}

TEST_CASE("text must be UTF-8, and a zero byte hides nothing") {
  CHECK_THAT(refusal("{\"\xff\xfe\":{}}", ""), Contains("not valid JSON") && Contains("UTF-8"));
  CHECK_THAT(refusal("{\"\xc0\x80\":{}}", ""), Contains("UTF-8"));  // overlong
  CHECK_THAT(refusal(std::string_view("{}\0{\"a\":1}", 10), ""), Contains("byte 10: a zero byte in the header"));
  CHECK_THAT(refusal(std::string_view("\xef\xbb\xbf{}"), ""), Contains("begin with {"));
}

TEST_CASE("values that are not finite are refused with the tensor's name") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  CHECK_THAT(refusal(kGood, floats({1.0f, nan})),
             Contains("byte 66: tensor \"a\": element 1 is nan, expected a finite number"));
  CHECK_THAT(refusal(kGood, floats({-infinity, 1.0f})), Contains("element 0 is -inf"));
  CHECK_THAT(refusal(R"({"h":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}})", std::string_view("\x00\x7c", 2)),
             Contains("tensor \"h\": element 0 is inf"));
  SafeTensors content;
  content.tensors["w"] = {{1}, {nan}, TensorType::f32};
  CHECK_THAT(message_of<InvalidArgument>([&] { (void)serialize_safetensors(content); }),
             Contains("tensor \"w\" is nan"));
  content.tensors["w"] = {{1}, {70000.0f}, TensorType::f16};
  CHECK_THAT(message_of<InvalidArgument>([&] { (void)serialize_safetensors(content); }),
             Contains("70000, which F16 cannot hold"));
  for (const float value : {128.0f, -129.0f, 0.5f, nan, infinity}) {
    content.tensors["w"] = {{1}, {value}, TensorType::i8};
    CHECK_THAT(message_of<InvalidArgument>([&] { (void)serialize_safetensors(content); }),
               Contains("which I8 cannot hold"));
  }
}

TEST_CASE("a writer refuses what no reader would take") {
  SafeTensors content;
  content.tensors["w"] = {{2, 2}, {1.0f, 2.0f}, TensorType::f32};
  CHECK_THAT(message_of<ShapeError>([&] { (void)serialize_safetensors(content); }),
             Contains("tensor \"w\" of shape [2, 2] holds 2 values"));
  content.tensors["w"] = {{-1}, {}, TensorType::f32};
  CHECK_THROWS_AS(serialize_safetensors(content), ShapeError);
  content.tensors = {{"__metadata__", {{}, {1.0f}, TensorType::f32}}};
  CHECK_THROWS_AS(serialize_safetensors(content), InvalidArgument);
  content.tensors = {};
  content.metadata["bad"] = "\xff";
  CHECK_THAT(message_of<InvalidArgument>([&] { (void)serialize_safetensors(content); }), Contains("not valid UTF-8"));
  const TemporaryFolder folder;
  CHECK_THROWS_AS(write_safetensors(folder / "x", content), InvalidArgument);
  CHECK_THROWS_AS(read_safetensors(folder / "x"), IoError);
  CHECK(folder.names().empty());
}
