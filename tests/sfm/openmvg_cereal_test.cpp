// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0

// OpenMVG stores its matches with cereal. Where cereal is installed, its own archive reads what we write, into types
// declared as OpenMVG declares its own, and writes the same bytes.

#include <catch2/catch.hpp>
#include <cereal/archives/portable_binary.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/utility.hpp>
#include <cereal/types/vector.hpp>
#include <fstream>
#include <sstream>

#include "support/random.hpp"
#include "support/temporary_folder.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/sfm/openmvg.hpp"

using namespace twinpatch;

namespace {

struct IndexMatch {
  std::uint32_t i = 0;
  std::uint32_t j = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(i, j);
  }
};

/// OpenMVG's own class hands its base to the archive, which adds nothing to the bytes.
using PairWise = std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<IndexMatch>>;

}  // namespace

TEST_CASE("cereal reads our match files and writes the same bytes") {
  const test::TemporaryFolder folder;
  test::Random random(11);
  OpenMvgMatchWriter writer(folder / "matches.putative.bin", {0, 1, 2}, {100, 100, 100});
  std::size_t total = 0;
  for (const ImagePair pair : {ImagePair{0, 1}, ImagePair{0, 2}, ImagePair{1, 2}}) {
    std::vector<Match> matches;
    for (std::int32_t left = 0; left < 40 + pair.second; ++left) {
      matches.push_back({left, static_cast<std::int32_t>(random.below(100)), 0});
    }
    total += matches.size();
    writer.write(pair, matches);
  }
  writer.commit();

  std::ifstream stream(folder / "matches.putative.bin", std::ios::binary);
  PairWise pairs;
  {
    cereal::PortableBinaryInputArchive archive(stream);
    archive(pairs);
  }
  CHECK(stream.peek() == std::ifstream::traits_type::eof());
  REQUIRE(pairs.size() == 3);
  std::size_t read = 0;
  for (const auto& [ids, matches] : pairs) read += matches.size();
  CHECK(read == total);

  std::ostringstream again;
  {
    cereal::PortableBinaryOutputArchive archive(again);
    archive(pairs);
  }
  CHECK(again.str() == read_text_file(folder / "matches.putative.bin"));
}
