// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <map>

#include "apps/process.hpp"
#include "sfm/colmap_fixtures.hpp"
#include "support/temporary_folder.hpp"

// A run folder, a store of descriptors and a database that version 0.1.0 left are what they were then
// (made_by_0.1.0/README.md): every format, every id and every bit of a distance.

using namespace twinpatch;
using namespace twinpatch::test;
namespace fs = std::filesystem;

namespace {

constexpr const char* kDigest = "fea346bb6b31ae3275bc1ab5123d2743";

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A copy of what version 0.1.0 left.
struct OldRun {
  OldRun() { fs::copy(TWINPATCH_OLD_RUN, folder.path(), fs::copy_options::recursive); }

  /// The command that began the run, with more options or other ones.
  [[nodiscard]] ProcessResult resume(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments{"colmap",
                                       "database.db",
                                       "--images",
                                       "images",
                                       "-m",
                                       "tiny.safetensors",
                                       "--threads",
                                       "1",
                                       "--block-keypoints",
                                       "40",
                                       "--descriptors",
                                       "descriptors",
                                       "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  }
  [[nodiscard]] ProcessResult run(const std::vector<std::string>& arguments) const {
    return run_twinpatch(arguments, {.folder = folder.path().string()});
  }
  /// Every file under a folder of the run: its bytes and when they were written.
  using Files = std::map<std::string, std::pair<std::string, fs::file_time_type>>;
  [[nodiscard]] Files files(const std::string& name) const {
    Files result;
    for (const auto& entry : fs::recursive_directory_iterator(folder / name)) {
      if (entry.is_regular_file()) result[entry.path().string()] = {read(entry.path()), entry.last_write_time()};
    }
    return result;
  }

  TemporaryFolder folder;
};

/// glibc 2.41 rounds float functions otherwise than 2.36, which made the old run: keypoints have other angles in their
/// last bit.
bool angles_are_the_old_ones() {
  volatile float y = 1;
  volatile float x = 7;
  if (std::atan2(y, x) == 0x1.229aeep-3F) return true;
  WARN("not tested: the C library rounds angles otherwise than that of the old run");
  return false;
}

}  // namespace

TEST_CASE("a run that version 0.1.0 began is resumed, not done again, and ends with the same bytes") {
  if (!angles_are_the_old_ones()) return;
  const OldRun old;
  const auto descriptors = old.files("descriptors");
  const auto run = old.files("run");
  REQUIRE(descriptors.size() == 4);
  const auto result = old.resume({"--run", "run"});
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK(result.json().at("pairs") == 6);
  CHECK(result.json().at("pairs_unchanged") == 3);
  CHECK(result.json().at("pairs_written") == 3);
  // Stored descriptors say by now what kind of host made them: those of then stay, and are not used.
  const auto kept = old.files("descriptors");
  CHECK(std::ranges::includes(kept, descriptors));
  CHECK(kept.size() > descriptors.size());
  auto now = old.files("run");
  for (const auto& [name, file] : run) {
    INFO(name);
    CHECK(now[name] == file);
  }
  int found = 0;
  int computed = 0;
  for (const std::string& line : lines_of(read(old.folder / "run/journal-1-of-1.jsonl"))) {
    const auto entry = nlohmann::json::parse(line);
    if (entry.contains("block")) (entry.at("seconds") == 0.0 ? found : computed) += 1;  // else a line of the host
  }
  CHECK(found == 3);
  CHECK(computed == 3);
  CHECK(TestDatabase(old.folder / "database.db")
            .text("SELECT pair_id || ' ' || hex(data) FROM matches ORDER BY pair_id") ==
        read(old.folder / "expected_matches.txt"));
  const auto merged = old.run({"merge", "run", "--json"});
  REQUIRE(merged.code == 0);
  CHECK(merged.json().at("digest") == kDigest);
}

TEST_CASE("a shard of version 0.1.0 and a shard of this one are merged to the same bytes") {
  if (!angles_are_the_old_ones()) return;
  const OldRun old;
  const auto result = old.resume({"--run", "second", "--shard", "2/2"});
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK(read(old.folder / "second/plan.json") == read(old.folder / "run/plan.json"));
  const auto merged = old.run({"merge", "run", "second", "-o", "whole", "--json"});
  INFO(merged.err);
  REQUIRE(merged.code == 0);
  CHECK(merged.json().at("complete") == true);
  CHECK(merged.json().at("digest") == kDigest);
}
