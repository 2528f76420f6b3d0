// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/formats/json.hpp"

#include <catch2/catch.hpp>
#include <limits>

#include "support/message.hpp"
#include "twinpatch/core/error.hpp"

using namespace twinpatch;
using Catch::Contains;

namespace {

JsonValue parse(std::string_view text) { return parse_json(text, "a.json"); }

std::string refusal(std::string_view text) {
  return test::message_of<FormatError>([&] { (void)parse(text); });
}

}  // namespace

TEST_CASE("every kind of JSON value is read") {
  const JsonValue json = parse(R"( {"n": null, "b": true, "i": -3, "d": 2.5e1, "t": "ö\n", "l": [1, [2]], "o": {}} )");
  CHECK(json.at("n").is_null());
  CHECK(json.at("b").boolean());
  CHECK(json.at("i").integer(-3, 3) == -3);
  CHECK(json.at("i").number() == -3.0);
  CHECK(json.at("d").number() == 25.0);
  CHECK(json.at("t").text() == "ö\n");
  CHECK(json.at("l").at(1).at(0).integer(0, 9) == 2);
  CHECK(json.at("o").members().empty());
  CHECK(json.find("none") == nullptr);
  CHECK(parse("9223372036854775807").integer(0, std::numeric_limits<std::int64_t>::max()) > 0);
}

TEST_CASE("a JSON value that is not what was asked for is named with its place") {
  const JsonValue json = parse(R"({"count": 1e300, "big": 4294967297, "list": [1], "text": "x"})");
  const auto asked = [](const auto& action) { return test::message_of<FormatError>(action); };
  CHECK_THAT(asked([&] { (void)json.at("count").integer(0, 9); }),
             Contains("a.json: byte 16: expected an integer from 0 to 9, found 1e+300"));
  CHECK_THAT(asked([&] { (void)json.at("big").integer(0, 4294967296); }), Contains("found 4294967297"));
  CHECK_THAT(asked([&] { (void)json.at("text").number(); }), Contains("expected a number, found \"x\""));
  CHECK_THAT(asked([&] { (void)json.at("list").at(1); }), Contains("a list of more than 1 values, found 1"));
  CHECK_THAT(asked([&] { (void)json.at("list").at("x"); }), Contains("expected an object, found a list of 1"));
  CHECK_THAT(asked([&] { (void)json.at("none"); }), Contains("\"none\" is missing"));
  CHECK_THAT(asked([&] { (void)json.at("big").text(); }), Contains("expected a string"));
  CHECK_THAT(asked([&] { (void)json.at("big").boolean(); }), Contains("expected true or false"));
  CHECK_THAT(asked([&] { (void)json.at("big").list(); }), Contains("expected a list"));
}

TEST_CASE("integers beyond 64 bits, fractions and exponents are no whole numbers") {
  for (const char* text : {"1.0", "1e2", "9223372036854775808", "-9223372036854775809", "18446744073709551616"}) {
    CAPTURE(text);
    CHECK(parse(text).is_number());
    CHECK_FALSE(parse(text).is_integer());
    CHECK_THROWS_AS(
        parse(text).integer(std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()),
        FormatError);
  }
}

TEST_CASE("text that is not one strict JSON value is refused") {
  CHECK_THAT(refusal(""), Contains("not well-formed JSON"));
  CHECK_THAT(refusal("{} {}"), Contains("not well-formed JSON"));
  CHECK_THAT(refusal("[1,]"), Contains("byte 4") && Contains("not well-formed JSON"));
  CHECK_THAT(refusal("{\"a\":1"), Contains("not well-formed JSON"));
  CHECK_THAT(refusal("\"\xff\""), Contains("not well-formed JSON"));
  CHECK_THAT(refusal("1e999"), Contains("not well-formed JSON"));
  CHECK_THAT(refusal("nan"), Contains("not well-formed JSON"));
  CHECK_THAT(refusal(std::string("{}\0{}", 5)), Contains("byte 2") && Contains("a zero byte"));
  CHECK_THAT(refusal(R"({"a": 1, "b": {"a": 2}, "a": 3})"), Contains("duplicate key \"a\""));
}

TEST_CASE("JSON is read to a depth and no deeper") {
  const auto nested = [](int depth, const char* open, const char* close) {
    std::string text;
    for (int i = 0; i < depth; ++i) text += open;
    text += "1";
    for (int i = 0; i < depth; ++i) text += close;
    return text;
  };
  CHECK_NOTHROW(parse(nested(32, "[", "]")));
  CHECK_THAT(refusal(nested(33, "[", "]")), Contains("nested deeper than 32"));
  CHECK_THAT(refusal(nested(1'000'000, "{\"a\":", "}")), Contains("nested deeper than 32"));
  CHECK_THROWS_AS(parse_json("[[1]]", "a.json", 1), FormatError);
  CHECK(parse_json("1", "a.json", 0).integer(1, 1) == 1);
}

TEST_CASE("JSON values are equal by content, whatever the order of members") {
  CHECK(parse(R"({"a": [1, {"b": 2}], "c": null})") == parse(R"({"c": null, "a": [1.0, {"b": 2}]})"));
  CHECK_FALSE(parse(R"({"a": 1})") == parse(R"({"a": 1, "b": 1})"));
  CHECK_FALSE(parse("[1, 2]") == parse("[2, 1]"));
  CHECK_FALSE(parse("\"1\"") == parse("1"));
}
