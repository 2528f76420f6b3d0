// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0

// Builds without HDF5 alone.

#include <catch2/catch.hpp>

#include "support/message.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/sfm/hloc_features.hpp"
#include "twinpatch/sfm/hloc_matches.hpp"

using namespace twinpatch;
using Catch::Contains;
using test::message_of;

TEST_CASE("a build without HDF5 says so") {
  CHECK_FALSE(has_hdf5());
  CHECK_THAT(message_of<Error>([] { (void)HlocFeatureFile("f.h5"); }), Contains("f.h5: ") && Contains("without HDF5"));
  CHECK_THAT(message_of<Error>([] { HlocMatchWriter("m.h5", {}, {}); }), Contains("without HDF5"));
  CHECK_THAT(message_of<Error>([] { (void)read_hloc_matches("m.h5", "a", "b"); }), Contains("without HDF5"));
  CHECK(hloc_pair_key("x/a", "b") == "x-a/b");
}
