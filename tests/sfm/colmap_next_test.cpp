// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/sfm/colmap_next.hpp"

#include <catch2/catch.hpp>

using namespace twinpatch;

TEST_CASE("words survive a shell") {
  CHECK(shell_quote("out/a-1.db") == "out/a-1.db");
  CHECK(shell_quote("") == "''");
  CHECK(shell_quote("my images") == "'my images'");
  CHECK(shell_quote("it's") == "'it'\\''s'");
  CHECK(shell_quote("été$(x)") == "'été$(x)'");
}

TEST_CASE("the next commands fit the release of COLMAP") {
  ColmapNextStep step{.database = "my db.db", .images = "images", .pair_list = "run/pairs.txt", .sparse = "sparse"};
  const std::string mapper = "colmap mapper --database_path 'my db.db' --image_path images --output_path sparse";
  CHECK(colmap_next_commands(step) ==
        std::vector<std::string>{"colmap matches_importer --database_path 'my db.db' --match_list_path run/pairs.txt "
                                 "--match_type pairs --SiftMatching.use_gpu 0",
                                 "mkdir -p sparse", mapper});
  step.schema = ColmapSchema::v3_12;
  CHECK(colmap_next_commands(step)[0] ==
        "colmap matches_importer --database_path 'my db.db' --match_list_path run/pairs.txt --match_type pairs");
  step.list_has_spaces = true;
  CHECK(colmap_next_commands(step).empty());
  step.schema = ColmapSchema::v4_0;
  CHECK(colmap_next_commands(step) ==
        std::vector<std::string>{"colmap geometric_verifier --database_path 'my db.db'", "mkdir -p sparse", mapper});
  step.schema = ColmapSchema::v3_8;
  step.verified = true;
  CHECK(colmap_next_commands(step) == std::vector<std::string>{"mkdir -p sparse", mapper});
}

TEST_CASE("pycolmap does the same where no program is there") {
  ColmapNextStep step{.database = "it's.db", .images = "images", .pair_list = "run/pairs.txt", .sparse = "sparse"};
  const std::string call = "python3 -c 'import pycolmap, sys; pycolmap.";
  const std::string mapping = call + "incremental_mapping(*sys.argv[1:])' 'it'\\''s.db' images sparse";
  CHECK(pycolmap_next_commands(step) ==
        std::vector<std::string>{call + "verify_matches(*sys.argv[1:])' 'it'\\''s.db' run/pairs.txt", "mkdir -p sparse",
                                 mapping});
  step.list_has_spaces = true;
  CHECK(pycolmap_next_commands(step).empty());
  step.schema = ColmapSchema::v4_2;
  CHECK(pycolmap_next_commands(step)[0] == call + "geometric_verification(*sys.argv[1:])' 'it'\\''s.db'");
  step.verified = true;
  CHECK(pycolmap_next_commands(step) == std::vector<std::string>{"mkdir -p sparse", mapping});
}
