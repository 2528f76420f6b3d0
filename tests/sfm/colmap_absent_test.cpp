// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0

// Builds without SQLite alone.

#include <catch2/catch.hpp>

#include "support/message.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/sfm/colmap_database.hpp"
#include "twinpatch/sfm/colmap_writer.hpp"

using namespace twinpatch;
using Catch::Contains;
using test::message_of;

TEST_CASE("a build without SQLite says so") {
  CHECK_THAT(message_of<Error>([] { ColmapDatabase("a.db"); }), Contains("a.db: ") && Contains("without SQLite"));
  CHECK_THAT(message_of<Error>([] { ColmapWriter("a.db"); }), Contains("a.db: ") && Contains("without SQLite"));
}
