// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "twinpatch/core/error.hpp"
#include "twinpatch/net/patch_extent.hpp"

namespace {

using namespace twinpatch;

TEST_CASE("a model may say how wide its windows are") {
  Model model;
  CHECK_FALSE(patch_extent(model));
  for (const auto& [text, extent] : {std::pair{"16", 16.0F}, {"12.5", 12.5F}, {"1000", 1000.0F}}) {
    model.metadata["patch_extent"] = text;
    CHECK(patch_extent(model) == extent);
  }
  for (const char* text : {"", "0", "-3", "1001", "nan", "inf", "12 sigma", " 12", "1e99"}) {
    INFO(text);
    model.metadata["patch_extent"] = text;
    CHECK_THROWS_AS(patch_extent(model), InvalidArgument);
  }
}

}  // namespace
