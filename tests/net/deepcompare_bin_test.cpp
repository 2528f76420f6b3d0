// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <limits>

#include "net/byte_writer.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/net/model.hpp"

using namespace twinpatch;
using Catch::Contains;
using test::ByteWriter;

namespace {

/// The file that the originals would have written for a model's weights.
std::vector<std::byte> as_bin(const Model& model, const char* type, bool descriptor_only = false) {
  ByteWriter writer;
  writer.text(type);
  const auto shapes = weight_shapes(model.spec, descriptor_only);
  for (std::size_t i = 0; i < shapes.size(); i += 2) {
    const auto& weight = model.weights.at(shapes[i].name).values;
    const auto& bias = model.weights.at(shapes[i + 1].name).values;
    writer.i32(static_cast<std::int64_t>(i) + 1);
    writer.i32(static_cast<std::int64_t>(weight.size())).i32(static_cast<std::int64_t>(bias.size()));
    writer.floats(weight).floats(bias);
  }
  return writer.bytes();
}

void refused(const std::vector<std::byte>& bytes, const char* why) {
  CHECK_THROWS_AS(import_deepcompare_bin(bytes, "x.bin"), FormatError);
  CHECK_THROWS_WITH(import_deepcompare_bin(bytes, "x.bin"), Contains("x.bin") && Contains(why));
}

}  // namespace

TEST_CASE("every type of .bin file is imported as its network") {
  struct Row {
    const char* type;
    const char* network;
    bool descriptor_only;
  };
  const Row rows[] = {{"2ch", "2ch", false},
                      {"2chdeep", "2ch-deep", false},
                      {"2ch2stream", "2ch-2stream", false},
                      {"siam", "siam", false},
                      {"siam_desc", "siam", true},
                      {"siam2stream", "siam-2stream", false},
                      {"siam2stream_desc", "siam-2stream", true}};
  for (const Row& row : rows) {
    CAPTURE(row.type);
    Model model = random_model(network(row.network), 5);
    const Model imported = import_model(as_bin(model, row.type, row.descriptor_only), "x.bin");
    CHECK(imported.spec == model.spec);
    CHECK(imported.descriptor_only == row.descriptor_only);
    CHECK(imported.weights.size() == weight_shapes(model.spec, row.descriptor_only).size());
    for (const auto& [name, tensor] : imported.weights) CHECK(tensor.values == model.weights.at(name).values);
  }
}

TEST_CASE("a decision part alone is refused with what to do instead") {
  for (const char* type : {"siam_decision", "siam2stream_decision"}) {
    refused(ByteWriter().text(type).i32(1).bytes(), "holds only the decision part");
  }
  refused(ByteWriter().text("siam2stream_decision").i32(1).bytes(), "(type siam2stream)");
}

TEST_CASE("a .bin file that is damaged is refused where it goes wrong") {
  const Model model = random_model(network("2ch"), 5);
  const std::vector<std::byte> good = as_bin(model, "2ch");
  refused({}, "needs 4 bytes, 0 are left");
  refused(ByteWriter().i32(-1).bytes(), "1 to 64 bytes, found -1");
  refused(ByteWriter().i32(2147483647).bytes(), "1 to 64 bytes, found 2147483647");
  refused(ByteWriter().text("3ch").bytes(), "must be one of 2ch, 2chdeep");
  refused(as_bin(model, "siam"), "branch.0.0.weight of a siam must have 4704 values, found 9408");
  refused(as_bin(random_model(network("siam"), 1), "siam_desc"), "a siam_desc ends here, ");
  refused(ByteWriter().text("2ch").i32(0).bytes(), "number of a module must be 1 to 1000, found 0");
  refused(ByteWriter().text("2ch").i32(1).i32(-1).bytes(), "must have 9408 values, found -1");
  refused(ByteWriter().text("2ch").i32(1).i32(2147483647).i32(96).bytes(), "must have 9408 values, found 2147483647");
  refused(ByteWriter().text("2ch").i32(1).i32(9408).i32(97).bytes(), "branch.0.0.bias of a 2ch must have 96 values");
  std::vector<std::byte> cut = good;
  cut.resize(good.size() - 1);
  refused(cut, "decision.0.bias: needs 4 bytes, 3 are left");
  std::vector<std::byte> longer = good;
  longer.push_back(std::byte{1});
  refused(longer, "a 2ch ends here, 1 bytes follow");
  Model broken = model;
  broken.weights.at("branch.0.3.weight").values[7] = std::numeric_limits<float>::quiet_NaN();
  refused(as_bin(broken, "2ch"), "weights branch.0.3.weight hold a value that is not finite");
}

TEST_CASE("golden files are read, and refused when damaged") {
  const auto header = [](std::int64_t networks, std::int64_t batch) {
    ByteWriter writer;
    writer.i32(networks).i32(batch).floats(std::vector<float>(2 * 64 * 64, 0.5F));
    return writer;
  };
  ByteWriter good = header(2, 1);
  good.text("a").i32(1).i32(2).floats(std::vector<float>{1, 2});
  good.text("networks/b").i32(1).i32(1).floats(std::vector<float>{3});
  const GoldenFile golden = read_golden(good.bytes(), "g.bin");
  CHECK(golden.batch == 1);
  CHECK(golden.input.size() == 8192);
  REQUIRE(golden.entries.size() == 2);
  CHECK(golden.entries[0].values == std::vector<float>{1, 2});
  CHECK(golden.entries[1].path == "networks/b");

  const auto bad = [](ByteWriter writer, const char* why) {
    CHECK_THROWS_WITH(read_golden(writer.bytes(), "g.bin"), Contains("g.bin") && Contains(why));
  };
  bad(ByteWriter().i32(2147483647).i32(1), "networks: needs");
  bad(ByteWriter().i32(-1).i32(1), "found -1 and 1");
  bad(ByteWriter().i32(0).i32(2147483647), "input: needs");
  bad(header(1, 1).text("a").i32(2147483647).i32(2147483647), "outputs: ");
  bad(header(1, 1).text("a").i32(-1).i32(1), "at least 1×1, found -1×1");
  bad(header(1, 1).i32(100000).i32(1).i32(1), "1 to 4096 bytes, found 100000");
  bad(header(0, 1).i32(7), "4 bytes follow");
}
