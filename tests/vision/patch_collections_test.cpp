// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/vision/patch_collections.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "support/random.hpp"
#include "support/real_data.hpp"
#include "support/temporary_folder.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/formats/npy.hpp"

using namespace twinpatch;
using twinpatch::test::structured_patches;
using twinpatch::test::TemporaryFolder;

namespace {

/// Patches laid out `per_row` to a row, the last row filled up with white.
cv::Mat sheet_of(const std::vector<std::uint8_t>& pixels, int side, int per_row, int rows) {
  cv::Mat sheet(rows * side, per_row * side, CV_8U, cv::Scalar(255));
  const int count = static_cast<int>(pixels.size()) / (side * side);
  for (int i = 0; i < count; ++i) {
    const cv::Mat patch(side, side, CV_8U, const_cast<std::uint8_t*>(pixels.data()) + i * side * side);
    patch.copyTo(sheet(cv::Rect(i % per_row * side, i / per_row * side, side, side)));
  }
  return sheet;
}

std::string info_lines(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += std::to_string(i / 3) + " 0\n";
  return text;
}

/// 300 patches on two sheets.
std::vector<std::uint8_t> write_photo_tour(const TemporaryFolder& folder, const char* extension, int count = 300) {
  const auto pixels = structured_patches(count, 64, 64, 21);
  const std::vector<std::uint8_t> first(pixels.begin(), pixels.begin() + std::min(count, 256) * 4096);
  cv::imwrite((folder / ("patches0000" + std::string(extension))).string(), sheet_of(first, 64, 16, 16));
  if (count > 256) {
    const std::vector<std::uint8_t> second(pixels.begin() + 256 * 4096, pixels.end());
    cv::imwrite((folder / ("patches0001" + std::string(extension))).string(), sheet_of(second, 64, 16, 16));
  }
  folder.file("info.txt", info_lines(count));
  return pixels;
}

bool same_pixels(PatchView view, const std::vector<std::uint8_t>& pixels) {
  return static_cast<std::size_t>(view.count * view.patch_bytes()) == pixels.size() &&
         std::memcmp(view.pixels, pixels.data(), pixels.size()) == 0;
}

template <class Exception, class Body>
std::string message_of(const Body& body) {
  try {
    body();
  } catch (const Exception& error) {
    return error.what();
  }
  FAIL("nothing was thrown");
  return {};
}

}  // namespace

TEST_CASE("photoTour sheets are read as BMP and as PNG, in order") {
  for (const char* const extension : {".bmp", ".png"}) {
    for (const int count : {1, 256, 300}) {
      CAPTURE(extension, count);
      const TemporaryFolder folder;
      const auto pixels = write_photo_tour(folder, extension, count);
      folder.file("m50_10_10_0.txt", std::string_view("0 0 0 1 0 0\n"));
      REQUIRE(is_photo_tour(folder.path()));
      const PhotoTour tour = read_photo_tour(folder.path());
      REQUIRE(tour.patches.size() == count);
      CHECK(tour.patches.view().width == 64);
      CHECK(same_pixels(tour.patches.view(), pixels));
      REQUIRE(tour.points.size() == static_cast<std::size_t>(count));
      CHECK(tour.points.back() == (count - 1) / 3);
    }
  }
}

TEST_CASE("an array of any size may stand in place of the sheets") {
  const TemporaryFolder folder;
  const auto pixels = structured_patches(5, 56, 46, 3);
  write_npy<std::uint8_t>(folder / "patches.npy", pixels, {5, 56, 46});
  folder.file("info.txt", info_lines(5));
  REQUIRE(is_photo_tour(folder.path()));
  const PhotoTour tour = read_photo_tour(folder.path());
  CHECK(tour.points.size() == 5);
  CHECK(tour.patches.view().height == 56);
  CHECK(tour.patches.view().width == 46);
  CHECK(std::memcmp(tour.patches.view().pixels, pixels.data(), pixels.size()) == 0);
  folder.file("info.txt", info_lines(6));
  CHECK_THAT(message_of<FormatError>([&] { (void)read_photo_tour(folder.path()); }),
             Catch::Contains("patches.npy") && Catch::Contains("5 patches, but info.txt has 6 lines"));
}

TEST_CASE("what is wrong with a PhotoTour folder is said") {
  const TemporaryFolder folder;
  CHECK_FALSE(is_photo_tour(folder.path()));
  CHECK_FALSE(is_photo_tour(folder / "absent"));
  CHECK_THROWS_AS(read_photo_tour(folder.path()), IoError);
  write_photo_tour(folder, ".bmp");
  const auto read = [&] { (void)read_photo_tour(folder.path()); };

  folder.file("info.txt", info_lines(513));
  CHECK_THAT(message_of<FormatError>(read), Catch::Contains("expected 513 patches") && Catch::Contains("2 sheets"));
  folder.file("info.txt", info_lines(300));
  cv::imwrite((folder / "patches0001.bmp").string(), cv::Mat(1024, 960, CV_8U, cv::Scalar(3)));
  CHECK_THAT(message_of<FormatError>(read), Catch::Contains("patches0001.bmp") && Catch::Contains("960x1024"));
  cv::imwrite((folder / "patches0001.png").string(), cv::Mat(1024, 1024, CV_8U, cv::Scalar(3)));
  CHECK_THAT(message_of<FormatError>(read), Catch::Contains("sheet 1 is there twice"));
}

TEST_CASE("a PhotoTour sheet that is missing is named, since all behind it would get wrong labels") {
  const TemporaryFolder folder;
  write_photo_tour(folder, ".png", 300);
  std::filesystem::rename(folder / "patches0001.png", folder / "patches0002.png");
  const auto read = [&] { (void)read_photo_tour(folder.path()); };
  CHECK_THAT(message_of<FormatError>(read),
             Catch::Contains("sheet patches0001 is missing") && Catch::Contains("patches0002.png is there"));
  std::filesystem::rename(folder / "patches0002.png", folder / "patches1.png");  // its number without zeros
  CHECK(read_photo_tour(folder.path()).patches.size() == 300);
  std::filesystem::remove(folder / "patches0000.png");
  CHECK_THAT(message_of<FormatError>(read), Catch::Contains("sheet patches0000 is missing"));
}

TEST_CASE("the real PhotoTour set is read") {
  const auto folder = test::real_data("ubc_notredame2007");
  if (folder.empty()) {
    WARN("skipped: no PhotoTour data");
    return;
  }
  const PhotoTour tour = read_photo_tour(folder);
  CHECK(tour.patches.size() == 17920);
  const cv::Mat sheet = cv::imread((folder / "patches0001.png").string(), cv::IMREAD_GRAYSCALE);
  const auto* const patch = static_cast<const std::uint8_t*>(tour.patches.view().slice(256 + 17, 1).pixels);
  for (int y = 0; y < 64; ++y) REQUIRE(std::memcmp(patch + 64 * y, sheet.ptr(64 + y) + 64, 64) == 0);
}

TEST_CASE("HPatches strips are read") {
  const TemporaryFolder folder;
  const auto ref = structured_patches(7, 65, 65, 1);
  const auto easy = structured_patches(7, 65, 65, 2);
  for (const char* const name : {"v_second", "i_first"}) {
    std::filesystem::create_directory(folder / name);
    cv::imwrite((folder / name / "ref.png").string(), sheet_of(ref, 65, 1, 7));
    cv::imwrite((folder / name / "e2.png").string(), sheet_of(easy, 65, 1, 7));
    cv::imwrite((folder / name / "t5.png").string(), sheet_of(easy, 65, 1, 7));
  }
  std::filesystem::create_directory(folder / "notes");
  REQUIRE(is_hpatches(folder.path()));
  REQUIRE(is_hpatches(folder / "i_first"));
  CHECK_FALSE(is_hpatches(folder / "notes"));
  CHECK_FALSE(is_hpatches(folder / "absent"));
  CHECK(hpatches_sequences(folder.path()) == std::vector{folder / "i_first", folder / "v_second"});
  CHECK(hpatches_sequences(folder / "i_first") == std::vector{folder / "i_first"});
  CHECK(hpatches_sequences(folder / "notes").empty());
  CHECK_THROWS_AS(hpatches_sequences(folder / "absent"), IoError);

  const HPatchesSequence sequence = read_hpatches_sequence(folder / "i_first" / "");
  CHECK(sequence.name == "i_first");
  CHECK(sequence.strips == std::vector<std::string>{"ref", "e2", "t5"});
  REQUIRE(sequence.patches.size() == 3);
  CHECK(same_pixels(sequence.patches[0].view(), ref));
  CHECK(same_pixels(sequence.patches[1].view(), easy));

  CHECK(missing_hpatches_strips(folder.path()).empty());  // both have the same
  cv::imwrite((folder / "v_second" / "t1.png").string(), sheet_of(easy, 65, 1, 7));
  std::filesystem::create_directory(folder / "i_headless");
  cv::imwrite((folder / "i_headless" / "e2.png").string(), sheet_of(easy, 65, 1, 7));
  CHECK(missing_hpatches_strips(folder.path()) ==
        std::vector<std::string>{"i_first/t1.png", "i_headless/ref.png", "i_headless/t1.png", "i_headless/t5.png"});
  CHECK(missing_hpatches_strips(folder / "i_first").empty());

  cv::imwrite((folder / "i_first" / "h1.png").string(), sheet_of(easy, 65, 1, 8));
  CHECK_THAT(message_of<FormatError>([&] { (void)read_hpatches_sequence(folder / "i_first"); }),
             Catch::Contains("h1.png") && Catch::Contains("expected 7 patches"));
  cv::imwrite((folder / "i_first" / "h1.png").string(), cv::Mat(65, 64, CV_8U, cv::Scalar(1)));
  CHECK_THAT(message_of<FormatError>([&] { (void)read_hpatches_sequence(folder / "i_first"); }),
             Catch::Contains("64x65"));
  CHECK_THROWS_AS(read_hpatches_sequence(folder / "notes"), IoError);
}

TEST_CASE("patches are resized by area when shrinking and smoothly when growing") {
  const auto pixels = structured_patches(5, 64, 64, 3);
  const PatchView view{PixelType::u8, pixels.data(), 5, 64, 64};
  CHECK(same_pixels(resize_patches(view, 64).view(), pixels));

  const PatchSet half = resize_patches(view, 32);
  REQUIRE(half.view().width == 32);
  for (std::size_t patch = 0; patch < 5; ++patch) {
    for (std::size_t y = 0; y < 32; ++y) {
      for (std::size_t x = 0; x < 32; ++x) {
        const auto at = [&](std::size_t dx, std::size_t dy) {
          return int{pixels[patch * 4096 + (2 * y + dy) * 64 + 2 * x + dx]};
        };
        const double mean = (at(0, 0) + at(1, 0) + at(0, 1) + at(1, 1)) / 4.0;
        const auto* const got = static_cast<const std::uint8_t*>(half.view().pixels);
        REQUIRE(std::abs(got[patch * 1024 + y * 32 + x] - mean) <= 0.51);
      }
    }
  }

  // A ramp stays a ramp, away from the border, whatever the sizes: pixel centres keep their place.
  std::vector<float> ramp(3 * 40 * 40);
  for (std::size_t i = 0; i < ramp.size(); ++i) ramp[i] = (static_cast<float>(i % 40) + 0.5F) / 40;
  const PatchView floats{PixelType::f32, ramp.data(), 3, 40, 40};
  for (const int side : {17, 64, 100}) {
    const PatchSet resized = resize_patches(floats, side);
    REQUIRE(resized.view().type == PixelType::f32);
    const auto* const got = static_cast<const float*>(resized.view().pixels);
    for (int x = side / 8; x < side - side / 8; ++x) {
      CAPTURE(side, x);
      CHECK(got[(2 * side + side / 2) * side + x] ==
            Approx((static_cast<double>(x) + 0.5) / static_cast<double>(side)).margin(2e-3));
    }
  }
  CHECK(resize_patches({PixelType::u8, nullptr, 0, 64, 64}, 20).size() == 0);
  CHECK(resize_patches({PixelType::f32, nullptr, 0, 64, 64}, 20).size() == 0);
  CHECK_THROWS_AS(resize_patches(view, 0), InvalidArgument);
}
