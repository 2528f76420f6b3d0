// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/patches/patch_set.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <limits>

#include "support/message.hpp"
#include "support/random.hpp"
#include "support/temporary_folder.hpp"
#include "twinpatch/formats/npy.hpp"

using namespace twinpatch;
using Catch::Contains;
using test::message_of;
using test::TemporaryFolder;

static_assert(!std::is_copy_constructible_v<PatchSet> && std::is_nothrow_move_constructible_v<PatchSet>);

namespace {

std::filesystem::path write_grey(const TemporaryFolder& folder, std::vector<std::int64_t> shape,
                                 const std::vector<std::uint8_t>& pixels) {
  const auto path = folder / "Flicken ä.npy";
  write_npy<std::uint8_t>(path, pixels, std::move(shape));
  return path;
}

}  // namespace

TEST_CASE("grey patches are views of the file") {
  const TemporaryFolder folder;
  const auto pixels = test::structured_patches(5, 33, 31, 1);
  for (const std::vector<std::int64_t>& shape : {std::vector<std::int64_t>{5, 33, 31}, {5, 1, 33, 31}}) {
    PatchSet patches = read_npy_patches(write_grey(folder, shape, pixels), false);
    CHECK(patches.size() == 5);
    const PatchView view = patches.view();
    CHECK(view.type == PixelType::u8);
    CHECK(view.height == 33);
    CHECK(view.width == 31);
    CHECK(view.patch_bytes() == 33 * 31);
    CHECK(std::memcmp(view.pixels, pixels.data(), pixels.size()) == 0);
    CHECK(std::memcmp(view.slice(3, 2).pixels, pixels.data() + 3 * 33 * 31, 2 * 33 * 31) == 0);
    CHECK(patches.mutable_patch(0) == nullptr);
    patches.release(0, 5);
    patches.release(2, 2);
    CHECK(std::memcmp(view.pixels, pixels.data(), pixels.size()) == 0);
    const PatchSet moved = std::move(patches);
    CHECK(moved.view().pixels == view.pixels);
  }
}

TEST_CASE("an empty file of patches is a set of none") {
  const TemporaryFolder folder;
  const PatchSet patches = read_npy_patches(write_grey(folder, {0, 64, 64}, {}), false);
  CHECK(patches.size() == 0);
  CHECK(patches.view().width == 64);
  CHECK(read_npy_patches(write_grey(folder, {1, 1, 1}, {7}), false).size() == 1);
}

TEST_CASE("raw patches are floats, finite every one") {
  const TemporaryFolder folder;
  const auto path = folder / "raw.npy";
  auto values = test::normal_floats(300 * 64 * 64, 2);  // more than one block of the check
  write_npy<float>(path, values, {300, 64, 64});
  const PatchSet patches = read_npy_patches(path, true);
  CHECK(patches.view().type == PixelType::f32);
  CHECK(patches.view().patch_bytes() == 64 * 64 * 4);
  CHECK(std::memcmp(patches.view().pixels, values.data(), values.size() * 4) == 0);
  values[64 * 64 * 299 + 17] = std::numeric_limits<float>::quiet_NaN();
  write_npy<float>(path, values, {300, 64, 64});
  CHECK(message_of<FormatError>([&] { (void)read_npy_patches(path, true); }) ==
        path.string() + ": patch 299: expected finite values of at most 1e+06 in magnitude, found others");
  values[64 * 64 - 1] = -std::numeric_limits<float>::infinity();
  write_npy<float>(path, values, {300, 64, 64});
  CHECK_THAT(message_of<FormatError>([&] { (void)read_npy_patches(path, true); }), Contains("patch 0: "));
  values[64 * 64 - 1] = -1.001e6F;
  write_npy<float>(path, values, {300, 64, 64});
  CHECK_THAT(message_of<FormatError>([&] { (void)read_npy_patches(path, true); }), Contains("patch 0: "));
  values = {-1e6F, std::numeric_limits<float>::denorm_min(), -0.0F, 0.0F};
  write_npy<float>(path, values, {1, 2, 2});
  CHECK(read_npy_patches(path, true).size() == 1);
}

TEST_CASE("patches of another type or shape are refused with a sentence") {
  const TemporaryFolder folder;
  const auto grey = write_grey(folder, {1, 2, 2}, {1, 2, 3, 4});
  CHECK_THAT(message_of<FormatError>([&] { (void)read_npy_patches(grey, true); }),
             Contains("expected float32 patches with --raw, found uint8 (without --raw"));
  const std::vector<float> floats = {1, 2, 3, 4};
  write_npy<float>(folder / "f.npy", floats, {1, 2, 2});
  CHECK_THAT(message_of<FormatError>([&] { (void)read_npy_patches(folder / "f.npy", false); }),
             Contains("expected uint8 grey levels, found float32 (--raw feeds"));
  const std::vector<double> doubles = {1, 2, 3, 4};
  write_npy<double>(folder / "d.npy", doubles, {1, 2, 2});
  CHECK_THAT(message_of<FormatError>([&] { (void)read_npy_patches(folder / "d.npy", true); }),
             Contains("expected patches of float32, found float64"));
  CHECK_THAT(message_of<FormatError>([&] { (void)read_npy_patches(folder / "d.npy", false); }),
             Contains("expected patches of uint8, found float64"));
  for (const std::vector<std::int64_t>& shape :
       {std::vector<std::int64_t>{4}, {2, 2}, {1, 2, 2, 1}, {1, 1, 1, 2, 2}, {}}) {
    const auto path = write_grey(folder, shape, std::vector<std::uint8_t>(shape.empty() ? 1 : 4, 9));
    CHECK_THAT(message_of<FormatError>([&] { (void)read_npy_patches(path, false); }),
               Contains("expected patches of shape [N, H, W] or [N, 1, H, W], found ["));
  }
  for (const std::vector<std::int64_t>& shape :
       {std::vector<std::int64_t>{3, 0, 64}, {3, 64, 0}, {0, 0, 0}, {0, 1 << 16, 1}}) {
    const auto path = write_grey(folder, shape, {});
    CHECK_THAT(message_of<FormatError>([&] { (void)read_npy_patches(path, false); }),
               Contains("expected patches of 1 to 32768 pixels a side, found "));
  }
  CHECK_THROWS_AS(read_npy_patches(folder.file("empty.npy", ""), false), FormatError);
  CHECK_THROWS_AS(read_npy_patches(folder / "none.npy", false), IoError);
}

TEST_CASE("a set of its own pixels can be filled") {
  PatchSet patches(3, 5, 7);
  for (std::int64_t i = 0; i < 3; ++i) std::memset(patches.mutable_patch(i), static_cast<int>(i) + 1, 35);
  const auto* pixels = static_cast<const std::uint8_t*>(patches.view().pixels);
  CHECK(pixels[0] == 1);
  CHECK(pixels[35] == 2);
  CHECK(pixels[104] == 3);
  patches.release(0, 3);
  CHECK(pixels[104] == 3);
  CHECK(PatchSet(0, 64, 64).size() == 0);
  CHECK(PatchSet().size() == 0);
  CHECK_THROWS_AS(PatchSet(-1, 64, 64), InvalidArgument);
  CHECK_THROWS_AS(PatchSet(1, 0, 64), InvalidArgument);
  CHECK_THROWS_AS(PatchSet(std::numeric_limits<std::int64_t>::max(), 64, 64), InvalidArgument);
}
