// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/formats/npy.hpp"

#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <functional>
#include <numeric>

#include "support/message.hpp"
#include "support/npy_bytes.hpp"
#include "support/random.hpp"
#include "support/temporary_folder.hpp"

using namespace twinpatch;
using Catch::Contains;
using test::message_of;
using test::npy_bytes;
using test::npy_dictionary;
using test::TemporaryFolder;

namespace {

NpyArray parse(const std::string& bytes) { return parse_npy(std::as_bytes(std::span(bytes)), "x.npy"); }

std::string refusal(const std::string& bytes) {
  return message_of<FormatError>([&] { (void)parse(bytes); });
}

std::string_view as_text(std::span<const float> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

const std::vector<float> kSix = test::normal_floats(6, 11);

template <class T>
void round_trip(NpyType type, std::vector<std::int64_t> shape) {
  const TemporaryFolder folder;
  std::vector<T> values(
      static_cast<std::size_t>(std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>())));
  test::Random random(17);
  for (T& value : values) value = static_cast<T>(random.below(200)) / static_cast<T>(1);
  write_npy<T>(folder / "ä b.npy", values, shape);
  const NpyArray array = read_npy(folder / "ä b.npy");
  CHECK(array.type() == type);
  CHECK(array.shape() == shape);
  CHECK(array.size() == std::ssize(values));
  CHECK(std::ranges::equal(array.values<T>(), values));
  CHECK(array.mapping() != nullptr);
  CHECK(array.owner() != nullptr);
  CHECK(std::filesystem::file_size(folder / "ä b.npy") == 128 + values.size() * sizeof(T));
}

}  // namespace

TEST_CASE("arrays of every type come back as they were written") {
  round_trip<std::uint8_t>(NpyType::u8, {3, 5, 7});
  round_trip<std::int32_t>(NpyType::i32, {33, 2});
  round_trip<std::int64_t>(NpyType::i64, {1});
  round_trip<float>(NpyType::f32, {});
  round_trip<double>(NpyType::f64, {0, 4});
}

TEST_CASE("the bytes are those numpy.save writes") {
  const TemporaryFolder folder;
  const std::vector<std::int32_t> values = {1, 2, 3, 4};
  write_npy<std::int32_t>(folder / "a.npy", values, {2, 2});
  // numpy.save(f, numpy.array([[1, 2], [3, 4]], 'int32')), versions 1.16 to 2.x.
  const std::string payload(reinterpret_cast<const char*>(values.data()), 16);
  CHECK(read_text_file(folder / "a.npy") == npy_bytes(npy_dictionary("<i4", "(2, 2)"), payload));
}

TEST_CASE("headers are read in every form numpy writes or has written") {
  const auto payload = as_text(kSix);
  const auto same = [&](const std::string& bytes) { return std::ranges::equal(parse(bytes).values<float>(), kSix); };
  for (const int version : {1, 2, 3}) CHECK(same(npy_bytes(npy_dictionary("<f4", "(2, 3)"), payload, version)));
  CHECK(same(npy_bytes("{'shape': (6,), 'descr': '<f4', 'fortran_order': False}", payload)));
  CHECK(same(npy_bytes("  {\"fortran_order\":False,\"shape\":(2,3),\"descr\":\"<f4\"}", payload)));
  CHECK(same(npy_bytes(npy_dictionary("<f4", "( 2L , 3L, )"), payload)));
  CHECK(parse(npy_bytes(npy_dictionary("<u1", "(24,)"), payload)).type() == NpyType::u8);
  CHECK(parse(npy_bytes(npy_dictionary("<f4", "()"), payload.substr(0, 4))).size() == 1);
  // Unpadded, as other writers leave it: elements lie askew in the file and must be usable all the same.
  std::string bytes = "\x93NUMPY";
  const std::string text = npy_dictionary("<f4", "(2, 3)");
  bytes += {'\x01', '\x00', static_cast<char>(text.size()), '\x00'};
  bytes += text;
  REQUIRE(bytes.size() % 4 != 0);
  bytes += payload;
  CHECK(same(bytes));
  const TemporaryFolder folder;
  const NpyArray array = read_npy(folder.file("askew.npy", bytes));
  CHECK(reinterpret_cast<std::uintptr_t>(array.values<float>().data()) % 4 == 0);
  CHECK(array.values<float>()[5] == kSix[5]);
}

TEST_CASE("a matrix in Fortran order is transposed, more dimensions are refused where the order matters") {
  const auto payload = as_text(kSix);
  const std::vector<float> transposed = {kSix[0], kSix[2], kSix[4], kSix[1], kSix[3], kSix[5]};
  const std::string matrix = npy_bytes(npy_dictionary("<f4", "(2, 3)", "True"), payload);
  const NpyArray parsed = parse(matrix);
  CHECK(parsed.shape() == std::vector<std::int64_t>{2, 3});
  CHECK(std::ranges::equal(parsed.values<float>(), transposed));
  const TemporaryFolder folder;
  const NpyArray from_file = read_npy(folder.file("fortran.npy", matrix));
  CHECK(std::ranges::equal(from_file.values<float>(), transposed));
  CHECK(from_file.mapping() == nullptr);
  CHECK_THAT(refusal(npy_bytes(npy_dictionary("<f4", "(2, 1, 3)", "True"), payload)),
             Contains("x.npy: byte ") && Contains("Fortran order") && Contains("numpy.ascontiguousarray"));
  CHECK(parse(npy_bytes(npy_dictionary("<f4", "(6,)", "True"), payload)).size() == 6);
  CHECK(parse(npy_bytes(npy_dictionary("<f4", "(1, 6, 1)", "True"), payload)).size() == 6);
  CHECK(parse(npy_bytes(npy_dictionary("<f4", "(0, 6)", "True"), "")).size() == 0);
}

TEST_CASE("every element type and size of a matrix in Fortran order is transposed") {
  const auto check = [](std::string_view descr, auto zero, std::int64_t rows, std::int64_t columns) {
    using T = decltype(zero);
    std::vector<T> stored(static_cast<std::size_t>(rows * columns));
    for (std::size_t i = 0; i < stored.size(); ++i) stored[i] = static_cast<T>(i * 7 % 251);
    const std::string_view payload(reinterpret_cast<const char*>(stored.data()), stored.size() * sizeof(T));
    const std::string shape = "(" + std::to_string(rows) + ", " + std::to_string(columns) + ")";
    const NpyArray array = parse(npy_bytes(npy_dictionary(descr, shape, "True"), payload));
    const auto values = array.values<T>();
    std::int64_t wrong = 0;
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t j = 0; j < columns; ++j) {
        const auto found = values[static_cast<std::size_t>(i * columns + j)];
        wrong += found == stored[static_cast<std::size_t>(j * rows + i)] ? 0 : 1;
      }
    }
    INFO(descr << " " << shape);
    CHECK(wrong == 0);
  };
  for (const std::int64_t rows : {2, 63, 64, 65, 200}) {
    for (const std::int64_t columns : {2, 5, 64, 130}) {
      check("|u1", std::uint8_t{}, rows, columns);
      check("<i4", std::int32_t{}, rows, columns);
      check("<i8", std::int64_t{}, rows, columns);
      check("<f4", 0.0F, rows, columns);
      check("<f8", 0.0, rows, columns);
    }
  }
}

TEST_CASE("element types are refused by name") {
  const auto payload = as_text(kSix);
  CHECK_THAT(refusal(npy_bytes(npy_dictionary(">f4", "(6,)"), payload)), Contains("big-endian '>f4'"));
  for (const char* descr : {"<f2", "<u2", "|b1", "|i1", "<c8", "|O", "<U3", "f4", "=f4", "", "|u12"}) {
    CHECK_THAT(refusal(npy_bytes(npy_dictionary(descr, "(6,)"), payload)),
               Contains("expected elements of uint8, int32, int64, float32 or float64, found '" + std::string(descr)));
  }
  CHECK_THAT(refusal(npy_bytes("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (6,), }", payload)),
             Contains("arrays of records are not supported"));
  const NpyArray array = parse(npy_bytes(npy_dictionary("<f4", "(6,)"), payload));
  CHECK(message_of<FormatError>([&] { (void)array.values<std::int32_t>(); }) ==
        "x.npy: expected an array of int32, found float32");
}

TEST_CASE("a file cut at any byte is refused, and so is one with more") {
  const std::string whole = npy_bytes(npy_dictionary("<f4", "(2, 3)"), as_text(kSix));
  for (std::size_t length = 0; length < whole.size(); ++length) {
    INFO(length);
    CHECK_THROWS_AS(parse(whole.substr(0, length)), FormatError);
  }
  CHECK_THAT(refusal(""), Contains("x.npy: byte 0: expected an .npy array, found an empty file"));
  CHECK_THAT(refusal(whole.substr(0, 150)), Contains("byte 128: 6 elements of float32: needs 24 bytes, 22 are left"));
  CHECK_THAT(refusal(whole + "x"), Contains("1 bytes more than the shape (2, 3) needs"));
  const TemporaryFolder folder;
  CHECK_THAT(message_of<FormatError>([&] { (void)read_npy(folder.file("e.npy", "")); }), Contains("e.npy: byte 0"));
  CHECK_THROWS_AS(read_npy(folder / "none.npy"), IoError);
}

TEST_CASE("headers that are none are refused") {
  const auto payload = as_text(kSix);
  CHECK_THAT(refusal("PK\x03\x04 and so on"), Contains("zip archive (.npz?)"));
  CHECK_THAT(refusal("a text file"), Contains("found no \\x93NUMPY"));
  for (const char* shape :
       {"(-1, 6)", "(2, x)", "(2, 3", "6", "(6)", "[6]", "(2 3)", "(99999999999999999999,)", "(2.0, 3)", "(,)"}) {
    INFO(shape);
    CHECK_THROWS_AS(parse(npy_bytes(npy_dictionary("<f4", shape), payload)), FormatError);
  }
  CHECK_THAT(refusal(npy_bytes(npy_dictionary("<f4", "(4294967296, 4294967296)"), payload)),
             Contains("too many elements for 64 bits"));
  CHECK_THAT(refusal(npy_bytes(npy_dictionary("<f4", "(4611686018427387904,)"), payload)),
             Contains("24 bytes are left"));
  CHECK_THAT(refusal(npy_bytes(npy_dictionary("<f4", "(1000000000000,)"), payload)), Contains("24 are left"));
  std::string deep = "(1";
  for (int i = 0; i < 40; ++i) deep += ", 1";
  CHECK_THAT(refusal(npy_bytes(npy_dictionary("<f4", deep + ")"), payload)), Contains("more than 32 dimensions"));
  CHECK_THAT(refusal(npy_bytes("{'descr': '<f4', 'shape': (6,), }", payload)), Contains("the key 'fortran_order'"));
  CHECK_THAT(refusal(npy_bytes("{'descr': '<f4', 'fortran_order': False, }", payload)), Contains("the key 'shape'"));
  CHECK_THAT(refusal(npy_bytes("{'fortran_order': False, 'shape': (6,)}", payload)), Contains("the key 'descr'"));
  CHECK_THAT(refusal(npy_bytes("{'descr': '<f4', 'descr': '<f4', }", payload)), Contains("duplicate key 'descr'"));
  CHECK_THAT(refusal(npy_bytes("{'color': '<f4', }", payload)), Contains("unknown key 'color'"));
  CHECK_THAT(refusal(npy_bytes(npy_dictionary("<f4", "(6,)") + " exec", payload)), Contains("unexpected text after"));
  CHECK_THAT(refusal(npy_bytes(npy_dictionary("<f4", "(6,)", "0"), payload)), Contains("expected True or False"));
  CHECK_THAT(refusal(npy_bytes("{'descr': '<f4", payload)), Contains("unterminated"));
  std::string bytes = npy_bytes(npy_dictionary("<f4", "(6,)"), payload);
  bytes[6] = 4;
  CHECK_THAT(refusal(bytes), Contains("byte 6: expected .npy version 1.0, 2.0 or 3.0, found 4.0"));
  bytes = npy_bytes(npy_dictionary("<f4", "(6,)"), payload, 2);
  bytes[11] = '\x7f';
  CHECK_THAT(refusal(bytes), Contains("a header of "));
}

TEST_CASE("rows are streamed and counted") {
  const TemporaryFolder folder;
  NpyWriter writer(folder / "rows.npy", NpyType::f32, {-1, 3});
  writer.append(std::span<const float>(kSix).first(3));
  writer.append(std::span<const float>());
  CHECK_FALSE(std::filesystem::exists(folder / "rows.npy"));
  writer.append(std::span<const float>(kSix).last(3));
  writer.finish();
  write_npy(folder / "whole.npy", MatrixView{kSix.data(), 2, 3});
  CHECK(read_file(folder / "rows.npy") == read_file(folder / "whole.npy"));  // counting leaves no trace
  NpyWriter none(folder / "none.npy", NpyType::u8, {-1, 64, 64});
  none.finish();
  CHECK(read_npy(folder / "none.npy").shape() == std::vector<std::int64_t>{0, 64, 64});
}

TEST_CASE("a writer refuses what does not fit its shape") {
  const TemporaryFolder folder;
  {
    NpyWriter writer(folder / "x.npy", NpyType::f32, {3, 2});
    CHECK_THAT(message_of<InvalidArgument>([&] { writer.append(std::span<const float>(kSix).first(3)); }),
               Contains("3 elements appended to rows of 2"));
    const std::vector<std::int32_t> integers = {1, 2};
    CHECK_THAT(message_of<InvalidArgument>([&] { writer.append(std::span<const std::int32_t>(integers)); }),
               Contains("int32 appended to an array of float32"));
    writer.append(std::span<const float>(kSix).first(4));
    CHECK_THAT(message_of<Error>([&] { writer.finish(); }), Contains("expected 3 rows, 2 were written"));
  }
  CHECK_THROWS_AS(NpyWriter(folder / "x.npy", NpyType::f32, {3, -2}), InvalidArgument);
  CHECK_THROWS_AS(NpyWriter(folder / "no" / "x.npy", NpyType::f32, {3}), IoError);
  CHECK(folder.names().empty());
}

TEST_CASE("a disk that fills up leaves no array behind") {
  const TemporaryFolder folder;
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{300'000, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &limit);
  const auto values = test::normal_floats(1000, 3);
  const auto message = message_of<IoError>([&] {
    NpyWriter writer(folder / "big.npy", NpyType::f32, {-1, 1000});
    for (int row = 0; row < 200; ++row) writer.append(std::span<const float>(values));
    writer.finish();
  });
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK_THAT(message, Contains("big.npy: cannot write: File too large"));
  CHECK(folder.names().empty());
}
