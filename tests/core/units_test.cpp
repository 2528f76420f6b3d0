// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/core/units.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "support/message.hpp"
#include "support/random.hpp"
#include "support/tolerances.hpp"
#include "twinpatch/core/error.hpp"

using namespace twinpatch;
using Catch::Contains;
using test::message_of;

TEST_CASE("sizes are read with their suffixes") {
  CHECK(parse_bytes("0") == 0);
  CHECK(parse_bytes("4096") == 4096);
  CHECK(parse_bytes("64KiB") == 65536);
  CHECK(parse_bytes("64k") == 65536);
  CHECK(parse_bytes("800M") == 838860800);
  CHECK(parse_bytes("1.5G") == 1610612736);
  CHECK(parse_bytes("1.50 GiB") == 1610612736);
  CHECK(parse_bytes(".5T") == std::int64_t{1} << 39);
  CHECK(parse_bytes("7b") == 7);
  CHECK(parse_bytes("9007199254740993") == 9007199254740993);  // not a double
  for (const char* bad : {"", "-1", "+1", " 1", "x", "1X", "1Gi", "1GiBB", "1 G B", "nan", "inf", "1e3",
                          "9223372036854775808", "9000P", "8.5e30", "1,5G", "1i", "0x10"}) {
    INFO(bad);
    CHECK_THAT(message_of<InvalidArgument>([&] { (void)parse_bytes(bad); }),
               Contains("expected a number like 4096, 800M or 1.5G, found \"" + std::string(bad) + "\""));
  }
}

TEST_CASE("sizes, counts and times are written to be read") {
  CHECK(format_bytes(0) == "0 B");
  CHECK(format_bytes(1023) == "1023 B");
  CHECK(format_bytes(1024) == "1.00 KiB");
  CHECK(format_bytes(1610612736) == "1.50 GiB");
  CHECK(format_bytes((std::int64_t{1} << 20) - 1) == "1.00 MiB");
  CHECK(format_bytes(std::numeric_limits<std::int64_t>::max()) == "8.00 EiB");
  CHECK(format_bytes(-2048) == "-2.00 KiB");

  CHECK(format_count(0) == "0");
  CHECK(format_count(999) == "999");
  CHECK(format_count(3.14159) == "3.14");
  CHECK(format_count(1000) == "1.00 k");
  CHECK(format_count(12345678) == "12.3 M");
  CHECK(format_count(999999) == "1.00 M");
  CHECK(format_count(2e9) == "2.00 G");
  CHECK(format_count(std::nan("")) == "unknown");

  CHECK(format_seconds(0) == "0 s");
  CHECK(format_seconds(0.25) == "0.25 s");
  CHECK(format_seconds(0.0123) == "12.3 ms");
  CHECK(format_seconds(5e-6) == "5.00 us");
  CHECK(format_seconds(12.34) == "12.3 s");
  CHECK(format_seconds(59.99) == "1 min 00 s");
  CHECK(format_seconds(75) == "1 min 15 s");
  CHECK(format_seconds(3725) == "1 h 02 min");
  CHECK(format_seconds(3599.6) == "1 h 00 min");
  CHECK(format_seconds(200 * 3600) == "8 d 08 h");
  CHECK(format_seconds(-75) == "-1 min 15 s");
  CHECK(format_seconds(std::numeric_limits<double>::infinity()) == "unknown");
}

TEST_CASE("test inputs are seeded, spread and never flat") {
  CHECK(test::normal_floats(100, 3) == test::normal_floats(100, 3));
  CHECK(test::normal_floats(100, 3) != test::normal_floats(100, 4));
  double sum = 0;
  double squares = 0;
  const auto values = test::normal_floats(20000, 5);
  for (const float value : values) {
    sum += value;
    squares += value * value;
  }
  CHECK(std::abs(sum / 20000) < 0.03);
  CHECK(std::abs(squares / 20000 - 1) < 0.05);
  const auto patches = test::structured_patches(5, 33, 31, 7);
  REQUIRE(patches.size() == 5 * 33 * 31);
  for (int i = 0; i < 5; ++i) {
    const auto [low, high] = std::minmax_element(patches.begin() + i * 33 * 31, patches.begin() + (i + 1) * 33 * 31);
    CHECK(*high - *low > 30);
  }
}
