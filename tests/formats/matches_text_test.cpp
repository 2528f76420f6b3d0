// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/formats/matches_text.hpp"

#include <catch2/catch.hpp>

#include "support/temporary_folder.hpp"
#include "twinpatch/core/file.hpp"

namespace twinpatch {

TEST_CASE("matches as text") {
  const std::vector<PlacedMatch> matches = {{1.5F, 2, 300.125F, 4096.5F, -0.125F, {}},
                                            {0, 0, 1, 1, 12.3803F, 0.75},
                                            {0, 0, 1, 1, 2, {}, 0.93F},
                                            {0, 0, 1, 1, 2, 0.5, 0.0F}};
  const std::string expected =
      "1.500 2.000 300.125 4096.500 -0.125\n"
      "0.000 0.000 1.000 1.000 12.3803 0.750000\n"
      "0.000 0.000 1.000 1.000 2 0.9300\n"
      "0.000 0.000 1.000 1.000 2 0.500000 0.0000\n";
  CHECK(format_matches(matches) == expected);
  CHECK(format_matches({}).empty());

  const test::TemporaryFolder folder;
  write_matches(folder / "zwei Bäume.txt", matches);
  CHECK(read_text_file(folder / "zwei Bäume.txt") == expected);
  CHECK_THROWS_AS(write_matches(folder / "missing" / "m.txt", matches), IoError);
  CHECK(folder.names().size() == 1);
}

}  // namespace twinpatch
