// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/vision/image.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <random>

#include "support/temporary_folder.hpp"
#include "twinpatch/core/file.hpp"

using namespace twinpatch;
using twinpatch::test::TemporaryFolder;

namespace {

/// Smooth (so that JPEG keeps it) but different everywhere; BGR.
cv::Mat photograph(int width, int height) {
  cv::Mat image(height, width, CV_8UC3);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double wave = 40 * std::sin(x * 0.11) * std::cos(y * 0.07);
      image.at<cv::Vec3b>(y, x) = {cv::saturate_cast<unsigned char>(120 + wave + 0.2 * x),
                                   cv::saturate_cast<unsigned char>(100 + wave + 0.3 * y),
                                   cv::saturate_cast<unsigned char>(90 - wave)};
    }
  }
  return image;
}

double mean_difference(const GrayImage& image, const cv::Mat& grey) {
  REQUIRE(image.width() == grey.cols);
  REQUIRE(image.height() == grey.rows);
  double sum = 0;
  for (int y = 0; y < grey.rows; ++y) {
    for (int x = 0; x < grey.cols; ++x) sum += std::abs(image.row(y)[x] - grey.at<unsigned char>(y, x));
  }
  return sum / static_cast<double>(grey.total());
}

cv::Mat to_grey(const cv::Mat& bgr) {
  cv::Mat grey;
  cv::cvtColor(bgr, grey, cv::COLOR_BGR2GRAY);
  return grey;
}

template <class Exception>
std::string message_of(const std::filesystem::path& path) {
  try {
    (void)read_image(path);
  } catch (const Exception& error) {
    return error.what();
  }
  FAIL("read_image did not throw for " << path);
  return {};
}

/// A JPEG with an EXIF segment that says "turn by 90 degrees" put behind its start marker.
std::vector<std::byte> with_orientation(std::vector<std::byte> jpeg, unsigned char orientation) {
  const unsigned char exif[] = {0xFF, 0xE1, 0,    34, 'E', 'x', 'i', 'f', 0, 0, 'I',         'I', 42, 0, 8, 0, 0, 0,
                                1,    0,    0x12, 1,  3,   0,   1,   0,   0, 0, orientation, 0,   0,  0, 0, 0, 0, 0};
  const auto* const bytes = reinterpret_cast<const std::byte*>(exif);
  jpeg.insert(jpeg.begin() + 2, bytes, bytes + sizeof(exif));
  return jpeg;
}

/// Bytes of unsigned integers in either order.
class IntegerBytes {
 public:
  explicit IntegerBytes(bool big_endian) : big_endian_(big_endian) {}
  void put(std::uint64_t value, unsigned size) {
    for (unsigned i = 0; i < size; ++i) {
      bytes_.push_back(static_cast<std::byte>(value >> 8 * (big_endian_ ? size - 1 - i : i) & 0xFF));
    }
  }
  [[nodiscard]] std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
  bool big_endian_;
};

/// An uncompressed TIFF file of 8 or 16 bits, grey or BGR, one strip; `big`: the layout with 64-bit offsets.
std::vector<std::byte> tiff(const cv::Mat& image, unsigned orientation, bool big_endian, bool big) {
  const unsigned wide = big ? 8 : 4;
  const auto channels = static_cast<unsigned>(image.channels());
  const auto item = static_cast<unsigned>(image.elemSize1());
  const std::uint64_t pixels = image.total() * image.elemSize();
  const std::uint64_t first = big ? 16 : 8;     // of the pixels
  const std::uint64_t depths = first + pixels;  // bits of each channel, where there are three
  const std::uint64_t directory = depths + 2 * channels;
  IntegerBytes out(big_endian);
  for (int i = 0; i < 2; ++i) out.put(big_endian ? 'M' : 'I', 1);
  out.put(big ? 43 : 42, 2);
  if (big) out.put(8, 4);  // bytes of an offset; unused
  out.put(directory, wide);
  for (int y = 0; y < image.rows; ++y) {
    for (int x = 0; x < image.cols; ++x) {
      for (unsigned c = 0; c < channels; ++c) {
        const auto at = static_cast<unsigned>(x) * channels + (channels - 1 - c);  // BGR → RGB
        out.put(item == 1 ? image.ptr<std::uint8_t>(y)[at] : image.ptr<std::uint16_t>(y)[at], item);
      }
    }
  }
  for (unsigned c = 0; c < channels; ++c) out.put(8 * item, 2);
  struct Entry {
    unsigned tag;
    std::uint64_t value;
    unsigned bytes = 2;  // 2: a short
  };
  const Entry entries[] = {{256, static_cast<std::uint64_t>(image.cols)},
                           {257, static_cast<std::uint64_t>(image.rows)},
                           {258, channels == 1 ? 8 * item : depths},
                           {259, 1},
                           {262, channels == 1 ? 1U : 2U},
                           {273, first, 4},
                           {274, orientation},
                           {277, channels},
                           {278, static_cast<std::uint64_t>(image.rows)},
                           {279, pixels, 4}};
  out.put(std::size(entries), big ? 8 : 2);
  for (const Entry& entry : entries) {
    const bool list = entry.tag == 258 && channels > 1 && !big;  // three shorts fit BigTIFF's entry
    const bool three = entry.tag == 258 && channels > 1;
    out.put(entry.tag, 2);
    out.put(entry.bytes == 2 ? 3 : 4, 2);
    out.put(three ? channels : 1, wide);
    if (list) {
      out.put(entry.value, wide);
    } else if (three) {
      for (unsigned c = 0; c < 4; ++c) out.put(c < channels ? 8 * item : 0, 2);
    } else {
      out.put(entry.value, entry.bytes);
      out.put(0, wide - entry.bytes);
    }
  }
  out.put(0, wide);  // no second image
  return out.take();
}

}  // namespace

TEST_CASE("every usual format gives the grey pixels that are stored") {
  const TemporaryFolder folder;
  const cv::Mat colour = photograph(157, 93);
  const cv::Mat grey = to_grey(colour);
  struct Case {
    const char* name;
    bool colour;
    double tolerance;  // mean grey levels; JPEG's loss, and rounding of the colour conversion
  };
  for (const Case& test :
       {Case{"a.png", true, 0.05}, Case{"b.png", false, 0}, Case{"a.jpg", true, 2}, Case{"b.jpeg", false, 2},
        Case{"a.bmp", true, 0.05}, Case{"a.ppm", true, 0.05}, Case{"b.pgm", false, 0}, Case{"a.tiff", true, 0.05}}) {
    CAPTURE(test.name);
    cv::imwrite((folder / test.name).string(), test.colour ? colour : grey);
    CHECK(mean_difference(read_image(folder / test.name), grey) <= test.tolerance);
  }
}

TEST_CASE("16 bits a channel become 8 with the full range kept, and an alpha channel is ignored") {
  const TemporaryFolder folder;
  const cv::Mat grey = to_grey(photograph(61, 47));
  cv::Mat wide;
  grey.convertTo(wide, CV_16U, 257.0);
  for (const char* name : {"wide.png", "wide.tiff", "wide.pgm"}) {
    cv::imwrite((folder / name).string(), wide);
    CAPTURE(name);
    CHECK(mean_difference(read_image(folder / name), grey) == 0);
  }
  cv::Mat with_alpha;
  cv::cvtColor(photograph(61, 47), with_alpha, cv::COLOR_BGR2BGRA);
  cv::imwrite((folder / "alpha.png").string(), with_alpha);
  CHECK(mean_difference(read_image(folder / "alpha.png"), grey) <= 0.05);
}

TEST_CASE("10 bits in 16 are almost black, and stretched on request") {
  const TemporaryFolder folder;
  const cv::Mat grey = to_grey(photograph(61, 47));
  double largest = 0;
  cv::minMaxIdx(grey, nullptr, &largest);
  cv::Mat dark;
  grey.convertTo(dark, CV_16U, 4.0);  // 8 bits of data, moved up by two
  cv::imwrite((folder / "dark.png").string(), dark);
  cv::Mat expected;
  grey.convertTo(expected, CV_8U, 255.0 / largest);
  CHECK(mean_difference(read_image(folder / "dark.png", Levels::stretched), expected) < 0.01);
  GrayImage as_it_is = read_image(folder / "dark.png");
  CHECK(*std::max_element(as_it_is.row(0), as_it_is.row(0) + 61 * 47) <= 4);
  cv::imwrite((folder / "eight.png").string(), grey);
  CHECK(mean_difference(read_image(folder / "eight.png", Levels::stretched), grey) == 0);
}

TEST_CASE("an EXIF orientation is not applied") {
  const TemporaryFolder folder;
  const cv::Mat grey = to_grey(photograph(120, 50));
  cv::imwrite((folder / "plain.jpg").string(), grey);
  const auto turned = with_orientation(read_file(folder / "plain.jpg"), 6);
  folder.file("turned.jpg", turned);
  REQUIRE(cv::imread((folder / "turned.jpg").string()).size() == cv::Size(50, 120));  // the segment is understood
  const GrayImage image = read_image(folder / "turned.jpg");
  CHECK(image.width() == 120);
  CHECK(image.height() == 50);
  CHECK(mean_difference(image, grey) < 2);
}

TEST_CASE("a TIFF file's orientation is not applied either") {
  const TemporaryFolder folder;
  const cv::Mat colour = photograph(120, 50);
  for (const bool wide : {false, true}) {
    for (const bool grey : {false, true}) {
      cv::Mat stored = grey ? to_grey(colour) : colour.clone();
      if (wide) stored.convertTo(stored, CV_16U, 257.0);
      for (unsigned orientation = 1; orientation <= 8; ++orientation) {
        for (int layout = 0; layout < 3; ++layout) {  // little-endian, big-endian, BigTIFF
          CAPTURE(wide, grey, orientation, layout);
          const auto path = folder.file("turned.tif", tiff(stored, orientation, layout == 1, layout == 2));
          // The file is understood, and turned by the decoder, or else this test shows nothing.
          const cv::Mat decoded = cv::imread(path.string(), cv::IMREAD_UNCHANGED | cv::IMREAD_IGNORE_ORIENTATION);
          REQUIRE(decoded.size() == (orientation > 4 ? cv::Size(50, 120) : cv::Size(120, 50)));
          CHECK(mean_difference(read_image(path), to_grey(colour)) <= 0.05);
        }
      }
    }
  }
}

TEST_CASE("names with spaces and letters of any language are read and written") {
  const TemporaryFolder folder;
  GrayImage image(3, 2);
  for (int i = 0; i < 6; ++i) image.row(i / 3)[i % 3] = static_cast<std::uint8_t>(37 * i);
  const auto path = folder / "mein Bild äöü 图像 №1.png";
  write_image(path, image);
  const GrayImage again = read_image(path);
  REQUIRE(again.width() == 3);
  REQUIRE(again.height() == 2);
  CHECK(std::memcmp(again.row(0), image.row(0), 6) == 0);
}

TEST_CASE("a JPEG cut off anywhere is refused, also when a thumbnail in it is whole") {
  const TemporaryFolder folder;
  cv::imwrite((folder / "small.jpg").string(), photograph(40, 30));
  for (const bool progressive : {false, true}) {
    cv::imwrite(
        (folder / "whole.jpg").string(), photograph(203, 151),
        {cv::IMWRITE_JPEG_PROGRESSIVE, progressive ? 1 : 0, cv::IMWRITE_JPEG_RST_INTERVAL, progressive ? 0 : 5});
    auto bytes = read_file(folder / "whole.jpg");
    const auto thumbnail = read_file(folder / "small.jpg");  // in an application segment, as EXIF has it
    const std::size_t length = thumbnail.size() + 2;
    const std::byte head[] = {std::byte{0xFF}, std::byte{0xE1}, static_cast<std::byte>(length >> 8),
                              static_cast<std::byte>(length & 0xFF)};
    bytes.insert(bytes.begin() + 2, thumbnail.begin(), thumbnail.end());
    bytes.insert(bytes.begin() + 2, std::begin(head), std::end(head));
    CHECK(read_image(folder.file("thumbnail.jpg", bytes)).width() == 203);

    for (std::size_t keep = 3; keep < bytes.size(); keep += keep < 40 ? 1 : 61) {
      CAPTURE(progressive, keep, bytes.size());
      folder.file("cut.jpg", std::span(bytes).first(keep));
      const std::string message = message_of<FormatError>(folder / "cut.jpg");
      CHECK_THAT(message, Catch::Contains("cut.jpg") && Catch::Contains("truncated"));
    }
    // A downloader that reserves the space first leaves zeros.
    std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(bytes.size() / 2), bytes.end(), std::byte{0});
    CHECK_THAT(message_of<FormatError>(folder.file("zeros.jpg", bytes)), Catch::Contains("truncated"));
  }
}

TEST_CASE("bytes behind the end of a JPEG do no harm") {
  const TemporaryFolder folder;
  cv::imwrite((folder / "a.jpg").string(), photograph(64, 48));
  auto bytes = read_file(folder / "a.jpg");
  bytes.resize(bytes.size() + 1000, std::byte{0xFF});
  CHECK(read_image(folder.file("b.jpg", bytes)).height() == 48);
}

TEST_CASE("a PNG cut off anywhere or damaged is refused") {
  const TemporaryFolder folder;
  cv::imwrite((folder / "whole.png").string(), photograph(57, 31));
  const auto bytes = read_file(folder / "whole.png");
  for (std::size_t keep = 8; keep < bytes.size(); keep += keep < 100 || keep + 100 > bytes.size() ? 1 : 53) {
    CAPTURE(keep);
    folder.file("cut.png", std::span(bytes).first(keep));
    CHECK_THAT(message_of<FormatError>(folder / "cut.png"), Catch::Contains("truncated"));
  }
  auto damaged = bytes;
  damaged[bytes.size() / 2] ^= std::byte{1};
  CHECK_THAT(message_of<FormatError>(folder.file("damaged.png", damaged)), Catch::Contains("checksum"));
}

TEST_CASE("other formats that end early are refused too") {
  const TemporaryFolder folder;
  for (const char* name : {"a.pgm", "a.ppm", "a.bmp", "a.tiff"}) {
    const cv::Mat colour = photograph(57, 31);
    cv::imwrite((folder / name).string(), std::string_view(name) == "a.pgm" ? to_grey(colour) : colour);
    const auto bytes = read_file(folder / name);
    for (const std::size_t keep : {bytes.size() - 1, bytes.size() / 2, bytes.size() / 10, std::size_t{4}}) {
      CAPTURE(name, keep, bytes.size());
      const auto path = std::filesystem::path("cut" + std::filesystem::path(name).extension().string());
      CHECK_THROWS_AS(read_image(folder.file(path, std::span(bytes).first(keep))), FormatError);
    }
  }
}

TEST_CASE("what is no image is refused with one line that names the file") {
  const TemporaryFolder folder;
  CHECK_THAT(message_of<FormatError>(folder.file("empty.jpg", "")), Catch::Contains("empty file"));
  const std::string text = message_of<FormatError>(folder.file("text.png", "hello, this is no image\n"));
  CHECK_THAT(text, Catch::Contains("text.png") && Catch::Contains("not an image"));
  CHECK(text.find('\n') == std::string::npos);
  CHECK_THAT(message_of<IoError>(folder / "absent.png"), Catch::Contains("absent.png"));
  CHECK_THAT(message_of<IoError>(folder.path()), Catch::Contains("folder"));
  CHECK_THROWS_AS(read_image(folder.file("bomb.pgm", "P5 60000 60000 255\n")), FormatError);
  cv::imwrite((folder / "float.tiff").string(), cv::Mat(5, 5, CV_32F, cv::Scalar(0.5)));
  CHECK_THAT(message_of<FormatError>(folder / "float.tiff"), Catch::Contains("8 or 16 bits"));

  std::mt19937 random(7);
  std::vector<std::byte> noise(5000);
  for (std::byte& byte : noise) byte = static_cast<std::byte>(random());
  CHECK_THROWS_AS(read_image(folder.file("noise.jpg", noise)), FormatError);
}

TEST_CASE("images are written whole or not at all") {
  const TemporaryFolder folder;
  GrayImage image(40, 30);
  std::memset(image.row(0), 77, 1200);
  for (const char* name : {"a.png", "a.jpg", "a.bmp", "no-extension"}) {
    write_image(folder / name, image);
    CHECK(read_image(folder / name).row(29)[39] == 77);
  }
  CHECK_THROWS_AS(write_image(folder / "a.nonsense", image), InvalidArgument);
  CHECK_THROWS_AS(write_image(folder / "empty.png", GrayImage()), InvalidArgument);
  CHECK_THROWS_AS(write_image(folder / "absent folder" / "a.png", image), IoError);
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path())) ++files;
  CHECK(files == 4);
}
