// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/vision/image_sequence.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

#include "support/message.hpp"
#include "support/temporary_folder.hpp"
#include "twinpatch/core/error.hpp"

using namespace twinpatch;
using test::message_of;
using test::TemporaryFolder;

namespace {

/// An image that is known again by its width.
void add_image(const TemporaryFolder& folder, const std::string& name, int width) {
  GrayImage image(width, 3);
  for (int y = 0; y < 3; ++y) std::fill_n(image.row(y), width, std::uint8_t{7});
  const auto written = folder / "written.pgm";
  write_image(written, image);
  std::filesystem::rename(written, folder / name);
}

void add_homography(const TemporaryFolder& folder, const std::string& name, int shift) {
  (void)folder.file(name, "1 0 " + std::to_string(shift) + "\n0 1 0\n0 0 1\n");
}

}  // namespace

TEST_CASE("sequences are read under every name that is in use") {
  const TemporaryFolder folder;
  add_image(folder, "IMG1.PGM", 11);
  add_image(folder, "img2.Pgm", 12);
  add_image(folder, "3.pgm", 13);
  add_image(folder, "img04.pgm", 14);
  add_image(folder, "4.ppm", 99);  // img comes before the number alone
  add_homography(folder, "H1to2p", 2);
  add_homography(folder, "h_1_3.TXT", 3);
  add_homography(folder, "H_ref_4", 4);
  add_image(folder, "img.pgm", 99);
  add_image(folder, "img5a.pgm", 99);
  REQUIRE(is_image_sequence(folder.path()));
  const ImageSequence sequence = read_image_sequence(folder.path());
  CHECK(sequence.missing.empty());
  CHECK(sequence.numbers == std::vector{1, 2, 3, 4});
  CHECK(sequence.files == std::vector<std::string>{"IMG1.PGM", "img2.Pgm", "3.pgm", "img04.pgm"});
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(sequence.images[i].width() == 11 + static_cast<int>(i));
    CHECK(sequence.from_first[i][2] == (i == 0 ? 0 : static_cast<double>(i) + 1));
  }
}

TEST_CASE("what a sequence lacks is named, and what is there is read") {
  const TemporaryFolder folder;
  for (const int number : {1, 2, 4, 5}) add_image(folder, std::to_string(number) + ".pgm", 10 + number);
  for (const int number : {2, 3, 4, 6}) add_homography(folder, "H_1_" + std::to_string(number), number);
  const std::vector<std::string> missing{"image 3", "H1to5p (or H_1_5)", "image 6"};
  CHECK(list_image_sequence(folder.path()).missing == missing);
  ImageSequence sequence = read_image_sequence(folder.path());
  CHECK(sequence.numbers == std::vector{1, 2, 4});
  CHECK(sequence.images[2].width() == 14);
  CHECK(sequence.from_first[2][2] == 4);
  CHECK(sequence.missing == missing);

  // Without the second image it is still a sequence, without the first it cannot be read.
  std::filesystem::remove(folder / "2.pgm");
  CHECK(is_image_sequence(folder.path()));
  CHECK(read_image_sequence(folder.path()).numbers == std::vector{1, 4});
  std::filesystem::remove(folder / "1.pgm");
  CHECK(image_sequences(folder.path()).size() == 1);
  CHECK(list_image_sequence(folder.path()).views.empty());
  CHECK_THAT(message_of<Error>([&] { (void)read_image_sequence(folder.path()); }),
             Catch::Contains("missing: image 1, image 2, image 3"));
}

TEST_CASE("numbered photographs alone are a sequence only where they begin with two") {
  const TemporaryFolder folder;
  add_image(folder, "3.pgm", 5);
  add_image(folder, "7.pgm", 5);
  CHECK_FALSE(is_image_sequence(folder.path()));
  add_image(folder, "1.pgm", 5);
  CHECK_FALSE(is_image_sequence(folder.path()));
  CHECK(image_sequences(folder.path()).empty());
  add_image(folder, "2.pgm", 5);
  CHECK(is_image_sequence(folder.path()));
  CHECK_THAT(message_of<Error>([&] { (void)read_image_sequence(folder.path()); }), Catch::Contains("H1to2p"));
}
