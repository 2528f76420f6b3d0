// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/vision/mask.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <limits>

#include "support/message.hpp"
#include "support/temporary_folder.hpp"

using namespace twinpatch;
using namespace twinpatch::test;
using Catch::Contains;

TEST_CASE("masks are found under COLMAP's name first, then under the image's own with .png") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "a");
  CHECK(find_mask(folder.path(), "a/b.jpg").empty());
  (void)folder.file("a/b.png", "");
  CHECK(find_mask(folder.path(), "a/b.jpg") == folder / "a" / "b.png");
  CHECK(find_mask(folder.path(), "a/b.png") == folder / "a" / "b.png");
  (void)folder.file("a/b.jpg.png", "");
  CHECK(find_mask(folder.path(), "a/b.jpg") == folder / "a" / "b.jpg.png");
  std::filesystem::create_directory(folder / "c.jpg.png");
  CHECK(find_mask(folder.path(), "c.jpg").empty());
}

TEST_CASE("a keypoint is masked by the pixel it lies on") {
  GrayImage mask(3, 2);
  std::memset(mask.row(0), 255, 6);
  mask.row(0)[1] = 0;
  mask.row(1)[2] = 0;
  const std::vector<Keypoint> keypoints{{.x = 0.99F, .y = 0.5F}, {.x = 1.0F, .y = 0.5F}, {.x = 1.99F, .y = 0.99F},
                                        {.x = 2.0F, .y = 0.99F}, {.x = 2.0F, .y = 1.0F}, {.x = 3.0F, .y = 2.0F},
                                        {.x = 0, .y = 2.0F}};
  CHECK(masked_keypoints(mask, keypoints) == std::vector{false, true, true, false, true, true, false});
  CHECK(masked_keypoints(mask, {}).empty());
  for (const Keypoint outside : {Keypoint{.x = -0.01F}, Keypoint{.x = 3.01F}, Keypoint{.y = 2.5F},
                                 Keypoint{.x = std::numeric_limits<float>::quiet_NaN()}}) {
    CHECK_THAT(message_of<InvalidArgument>([&] { (void)masked_keypoints(mask, std::vector{outside}); }),
               Contains("outside a mask of 3x2 pixels"));
  }
}
