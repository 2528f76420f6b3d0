// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <vector>

#include "engine/fake_backend.hpp"
#include "support/random.hpp"
#include "support/temporary_folder.hpp"
#include "twinpatch/collection/run.hpp"
#include "twinpatch/net/model.hpp"

using namespace twinpatch;
using namespace twinpatch::test;

namespace {

Model small_model() {
  NetworkSpec spec;
  spec.name = "tiny";
  spec.input = Extent{2, 2};
  spec.streams = {Stream{{}, {Linear{4, static_cast<int>(kFakeLength)}}}};
  spec.decision = DecisionMetric{DecisionMetric::Kind::l2, false};
  return random_model(spec, 1);
}

MemoryImageSource images() {
  Random random(2);
  MemoryImageSource source;
  for (const char* name : {"a.jpg", "empty.jpg", "b.jpg"}) {
    PatchSet patches(name[0] == 'e' ? 0 : 5, 2, 2);
    for (std::int64_t i = 0; i < patches.size(); ++i) {
      for (int k = 0; k < 4; ++k) patches.mutable_patch(i)[k] = static_cast<std::uint8_t>(random.below(256));
    }
    source.add(name, std::move(patches));
  }
  return source;
}

std::vector<float> described(Engine& engine, const std::filesystem::path& folder) {
  std::vector<float> all;
  describe_collection(engine, images(), {.path = folder}, [&](std::int64_t /*image*/, MatrixView rows) {
    all.insert(all.end(), rows.data, rows.data + rows.rows * rows.columns);
  });
  return all;
}

}  // namespace

TEST_CASE("hosts that compute other bits share a folder of descriptors, and each reads its own") {
  ExecutionOptions options;
  options.device = "cpu";
  Engine cpu(small_model(), options);
  const auto counts = std::make_shared<Counts>();
  Engine other(small_model(), std::make_unique<FakeBackend>(1 << 20, 8, counts), ExecutionOptions{});
  const TemporaryFolder folder;
  const auto of_cpu = described(cpu, {});
  const auto of_other = described(other, {});
  REQUIRE(of_cpu.size() == 10 * kFakeLength);
  REQUIRE(of_cpu != of_other);
  CHECK(described(other, folder / "shared") == of_other);
  CHECK(described(cpu, folder / "shared") == of_cpu);
  const std::int64_t before = counts->described;
  CHECK(described(other, folder / "shared") == of_other);
  const std::int64_t trial = counts->described - before;
  CHECK(described(other, {}) == of_other);
  CHECK(counts->described - before == trial + 10);  // nothing but a trial where they are stored
  CHECK(trial > 0);
}

TEST_CASE("a collection without a keypoint needs no trial") {
  MemoryImageSource source;
  source.add("empty.jpg", PatchSet(0, 2, 2));
  const auto counts = std::make_shared<Counts>();
  Engine engine(small_model(), std::make_unique<FakeBackend>(1 << 20, 8, counts), ExecutionOptions{});
  std::int64_t images = 0;
  const TemporaryFolder folder;
  describe_collection(engine, source, {.path = folder / "shared"}, [&](std::int64_t /*image*/, MatrixView rows) {
    ++images;
    CHECK(rows.rows == 0);
  });
  CHECK(images == 1);
  CHECK(counts->described == 0);
}
