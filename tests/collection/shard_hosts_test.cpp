// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fstream>

#include "collection/rig.hpp"
#include "shard_hosts.hpp"
#include "support/message.hpp"

// Parts of a run that were computed with other bits are not put together.

using namespace twinpatch;
using namespace twinpatch::test;
using Catch::Contains;

namespace {

using Paths = std::vector<std::filesystem::path>;

std::string fingerprint_of(Tiny kind, std::uint64_t seed = 1) {
  Rig rig(kind, 3);
  Engine engine = tiny_engine(kind, 0, seed);
  return this_host({engine, rig.source, rig.pairs, rig.plan}).fingerprint;
}

void add_line(const std::filesystem::path& path, const std::string& line) {
  std::ofstream(path, std::ios::app) << line;
}

}  // namespace

TEST_CASE("the fingerprint of a host is the same each time, and another one for other weights") {
  const Tiny kind = GENERATE(Tiny::l2, Tiny::head, Tiny::pseudo_head, Tiny::two_channel);
  CHECK(fingerprint_of(kind).size() == 16);
  CHECK(fingerprint_of(kind) == fingerprint_of(kind));
  CHECK(fingerprint_of(kind) != fingerprint_of(kind, 2));

  Rig rig(Tiny::l2, 3);
  Engine second = tiny_engine(kind, 0, 5);
  CHECK(this_host({rig.engine, rig.source, rig.pairs, rig.plan, &second}).fingerprint != fingerprint_of(Tiny::l2));
}

TEST_CASE("a run notes its host once, and a host that computes the same bits may go on") {
  Rig rig;
  const auto folder = rig.folder / "run";
  rig.run(folder, {0, 2});
  rig.run(folder, {0, 2});
  const auto hosts = hosts_of(Paths{folder});
  REQUIRE(hosts.size() == 1);
  CHECK_THAT(hosts.front().device, Contains("CPU"));
  CHECK_THAT(hosts.front().journal, Contains("journal-1-of-2.jsonl"));
  add_line(folder / "journal-7-of-9.jsonl", host_line({"", "a twin", hosts.front().fingerprint}));
  add_line(folder / "journal-7-of-9.jsonl", R"({"host":"cut off","fing)");
  rig.run(folder, {1, 2});
  CHECK(hosts_of(Paths{folder}).size() == 3);
  CHECK(merge_runs({folder}, folder).pairs == rig.pairs.count());
}

TEST_CASE("a shard on a host that computes other bits is refused before it computes any") {
  Rig rig;
  const auto folder = rig.folder / "run";
  rig.run(folder, {0, 2});
  const auto blocks = block_files(folder);
  add_line(folder / "journal-2-of-2.jsonl", host_line({"", "CPU, AVX2", "0123456789abcdef"}));
  const auto check_refused = [](const auto& work) {
    CHECK_THAT(message_of<PlanMismatch>(work), Contains("parts of one run were computed with other bits") &&
                                                   Contains("AVX2 (0123456789abcdef") &&
                                                   Contains("journal-2-of-2.jsonl"));
  };
  check_refused([&] { rig.run(folder, {1, 2}); });
  CHECK(block_files(folder) == blocks);
  check_refused([&] { (void)merge_runs({folder}, folder); });
  check_refused([&] { (void)CollectionMatches(folder); });
}

TEST_CASE(
    "shards in folders of their own are merged only if their bits are the same, and the target remembers the host") {
  Rig rig;
  for (const int i : {0, 1}) rig.run(rig.folder / std::to_string(i), {i, 2});
  const Paths folders{rig.folder / "0", rig.folder / "1"};
  (void)merge_runs(folders, rig.folder / "merged");
  const auto hosts = hosts_of(Paths{rig.folder / "merged"});
  REQUIRE(hosts.size() == 1);
  CHECK(hosts.front().fingerprint == hosts_of(folders).front().fingerprint);
  add_line(rig.folder / "1" / "journal-2-of-2.jsonl", host_line({"", "CUDA, H200", "0123456789abcdef"}));
  CHECK_THAT(message_of<PlanMismatch>([&] { (void)merge_runs(folders, rig.folder / "other"); }),
             Contains("H200") && Contains("CPU") && Contains("journal-1-of-2.jsonl"));
  CHECK(!std::filesystem::exists(rig.folder / "other"));
}
