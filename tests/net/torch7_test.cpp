// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstring>
#include <functional>

#include "net/torch7_writer.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/net/model.hpp"

using namespace twinpatch;
using Catch::Contains;
using test::as_t7;
using test::Torch7Writer;

namespace {

void refused(std::vector<std::byte> bytes, const char* why) {
  CHECK_THROWS_AS(import_torch7(bytes, "x.t7"), FormatError);
  CHECK_THROWS_WITH(import_torch7(bytes, "x.t7"), Contains("x.t7") && Contains(why));
}

void refused(const std::function<void(Torch7Writer&)>& write, const char* why) {
  Torch7Writer writer;
  write(writer);
  refused(writer.bytes(), why);
}

}  // namespace

TEST_CASE("2-channel networks of one stream are imported from Torch7, floats or doubles") {
  for (const char* name : {"2ch", "2ch-paper", "2ch-deep", "2ch-deep-mlp"}) {
    CAPTURE(name);
    const Model model = random_model(network(name), 3);
    for (const bool wide : {false, true}) {
      const Model imported = import_model(as_t7(model, wide), "x.t7");
      CHECK(imported.spec == model.spec);
      CHECK(model_hash(imported) == model_hash(model));
    }
  }
}

TEST_CASE("a Torch7 file of another network is refused by its layers") {
  Model model = random_model(network("2ch"), 3);
  std::get<Pooling>(model.spec.streams[0].layers[2]).ceil = true;
  refused(as_t7(model), "those of no 2-channel network of the catalogue: conv 96 7×7 / 3 – relu – max pool 2×2 ceil");
  model = random_model(network("siam"), 3);
  refused(as_t7(model), "those of no 2-channel network");
}

TEST_CASE("a Torch7 file that is damaged is refused where it goes wrong") {
  using W = Torch7Writer;
  refused(std::vector<std::byte>{}, "tag of an object: needs 4 bytes");
  refused([](W& w) { w.i32(6); }, "must be 0 to 5, found 6 (a function)");
  refused([](W& w) { w.i32(-1); }, "must be 0 to 5, found -1");
  refused([](W& w) { w.number(1); }, "expected an nn.Sequential");
  refused([](W& w) { w.table(2147483647); }, "entries of a table: needs");
  refused([](W& w) { w.table(-1); }, "entries of a table: a count of -1");
  refused([](W& w) { w.i32(2).i32(2147483647); }, "at most 65536 bytes");
  refused([](W& w) { w.i32(2).i32(-5); }, "a count of -5");
  refused(
      [](W& w) {
        w.number(1);
        w.i32(0);
      },
      "the object ends here, 4 bytes follow");
  refused(
      [](W& w) {
        w.object("torch.FloatStorage");
        w.i64(std::int64_t{1} << 62);
      },
      "values of a storage");
  refused(
      [](W& w) {
        w.object("torch.FloatTensor");
        w.i32(1000000);
      },
      "0 to 8 dimensions, found 1000000");
  refused(
      [](W& w) {
        w.object("torch.FloatTensor");
        w.i32(0).i64(0).i32(0);
      },
      "must be at least 1, found 0");
  refused(
      [](W& w) {
        w.object("torch.FloatTensor");
        w.i32(0).i64(1);
        w.number(1);
      },
      "followed by its storage");
  refused(
      [](W& w) {
        for (int i = 0; i < 100000; ++i) {
          w.object("nn.Deep");
        }
      },
      "nested deeper than 64");
  refused(
      [](W& w) {
        w.table(1000000);
        for (int i = 0; i < 2000000; ++i) {
          w.i32(0);
        }
      },
      "more than 1048576 objects");
  // A table that contains itself, and a reference to it as a torch object.
  refused(
      [](W& w) {
        w.table(1);
        w.string("modules");
        w.i32(3).i32(1);
      },
      "expected an nn.Sequential");
  refused(
      [](W& w) {
        w.table(1);
        w.string("modules");
        w.i32(4).i32(1);
      },
      "of another kind");
  refused(
      [](W& w) {
        w.object("nn.Sequential");
        w.i32(4).i32(1);
      },
      "expected an nn.Sequential with modules");
}

TEST_CASE("a Torch7 module that is incomplete is refused by name") {
  const auto sequential = [](const std::function<void(Torch7Writer&)>& module) {
    return [module](Torch7Writer& w) {
      w.object("nn.Sequential");
      w.table(1);
      w.string("modules");
      w.table(1);
      w.number(1);
      module(w);
    };
  };
  using W = Torch7Writer;
  refused(sequential([](W& w) { w.number(4); }), "expected a list of modules");
  refused(sequential([](W& w) {
            w.object("nn.Dropout");
            w.table(0);
          }),
          "class \"nn.Dropout\"");
  refused(sequential([](W& w) {
            w.object("nn.Linear");
            w.table(0);
          }),
          "a nn.Linear without a matrix");
  refused(sequential([](W& w) {
            w.object("nn.SpatialConvolution");
            w.table(0);
          }),
          "without nInputPlane");
  refused(sequential([](W& w) {
            w.object("nn.SpatialConvolution");
            w.table(1);
            w.field("nInputPlane", 1e300);
          }),
          "nInputPlane of a nn.SpatialConvolution must be an integer from 0 to 65536");
  refused(sequential([](W& w) {
            w.object("nn.SpatialConvolution");
            w.table(1);
            w.field("nInputPlane", 1.5);
          }),
          "must be an integer");
}

TEST_CASE("tensors that do not fit their storage are refused") {
  const Model model = random_model(network("2ch"), 3);
  const std::vector<std::byte> good = as_t7(model);
  const std::string text(reinterpret_cast<const char*>(good.data()), good.size());
  // The first tensor: its class, int32 dimensions, four sizes, four strides, the offset.
  const std::string name = "torch.FloatTensor";
  const auto at = text.find(name) + name.size();
  const auto damaged = [&](std::size_t field, std::int64_t value) {
    std::vector<std::byte> bytes = good;
    std::memcpy(bytes.data() + at + 4 + 8 * field, &value, sizeof(value));
    return bytes;
  };
  refused(damaged(0, std::int64_t{1} << 62), "a tensor larger than its storage");
  refused(damaged(0, -1), "a tensor larger than its storage");
  refused(damaged(0, 95), "expected 9408 values, found 9310");
  refused(damaged(4, 0), "a tensor that is not contiguous");
  refused(damaged(8, 4), "a tensor that reaches past its storage");
  refused(damaged(8, (std::int64_t{1} << 62)), "a tensor that reaches past its storage");
}
