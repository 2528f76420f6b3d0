// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/vision/draw.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "support/random.hpp"
#include "support/temporary_folder.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/core/file.hpp"

using namespace twinpatch;
using twinpatch::test::Random;
using twinpatch::test::structured_patches;
using twinpatch::test::TemporaryFolder;

namespace {

constexpr std::string_view kNine = "0.76 -0.299 225.67\n 0.334 1.014 -77.0\n 3.4e-4 -1.4e-5 1\n";
const Homography kExpected = {0.76, -0.299, 225.67, 0.334, 1.014, -77.0, 3.4e-4, -1.4e-5, 1};

std::string message_of(const std::filesystem::path& path) {
  try {
    (void)read_homography(path);
  } catch (const FormatError& error) {
    return error.what();
  }
  FAIL("read_homography did not throw for " << path);
  return {};
}

double share_of(const cv::Mat& image, int channel) {
  int count = 0;
  for (int y = 0; y < image.rows; ++y) {
    for (int x = 0; x < image.cols; ++x) {
      const auto& pixel = image.at<cv::Vec3b>(y, x);
      const int other = channel == 1 ? 2 : 1;
      count += pixel[channel] > pixel[other] + 40;
    }
  }
  return static_cast<double>(count) / static_cast<double>(image.total());
}

}  // namespace

TEST_CASE("a homography is read from text, XML, YAML and JSON") {
  const TemporaryFolder folder;
  CHECK(read_homography(folder.file("H1to3p", kNine)) == kExpected);
  CHECK(read_homography(folder.file("bom", "\xEF\xBB\xBF" + std::string(kNine))) == kExpected);
  CHECK(read_homography(folder.file("h.txt", std::string_view("# H\n[0.76, -0.299, 225.67;\r\n 0.334, 1.014, -77.0; "
                                                              "3.4e-4, -1.4e-5, +1]"))) == kExpected);
  const cv::Mat matrix(3, 3, CV_64F, const_cast<double*>(kExpected.data()));
  for (const char* const name : {"H.xml", "H.yml", "H.json"}) {
    CAPTURE(name);
    {
      cv::FileStorage storage((folder / name).string(), cv::FileStorage::WRITE);
      storage << "comment"
              << "first to third"
              << "H13" << matrix;
    }
    CHECK(read_homography(folder / name) == kExpected);
  }
}

TEST_CASE("what is no homography is refused") {
  const TemporaryFolder folder;
  const auto text = [&](std::string_view content) { return message_of(folder.file("H.txt", content)); };
  CHECK_THAT(text(""), Catch::Contains("found 0"));
  CHECK_THAT(text("1 0 0 0 1 0 0 0"), Catch::Contains("found 8"));
  CHECK_THAT(text("1 0 0 0 1 0 0 0 1 0"), Catch::Contains("found more"));
  CHECK_THAT(text("1 0 0 0 one 0 0 0 1"), Catch::Contains("'one'"));
  CHECK_THAT(text("1 0 0 0 nan 0 0 0 1"), Catch::Contains("finite"));
  CHECK_THAT(text("1 2 3 2 4 6 0 0 1"), Catch::Contains("singular"));
  CHECK_THAT(text("<?xml version=\"1.0\"?>\n<opencv_storage>\n<a>3</a></opencv_storage>\n"),
             Catch::Contains("found none"));
  CHECK_THAT(text("<?xml version=\"1.0\"?>\n<opencv_sto"), Catch::Contains("found none"));
  CHECK_THROWS_AS(read_homography(folder / "absent"), IoError);
  {
    cv::FileStorage storage((folder / "two.yml").string(), cv::FileStorage::WRITE);
    storage << "a" << cv::Mat::eye(3, 3, CV_64F) << "b" << cv::Mat::eye(3, 3, CV_64F);
  }
  CHECK_THAT(message_of(folder / "two.yml"), Catch::Contains("several"));
  {
    cv::FileStorage storage((folder / "colours.json").string(), cv::FileStorage::WRITE);
    storage << "a" << cv::Mat(3, 3, CV_64FC3) << "b" << cv::Mat::eye(3, 4, CV_64F);
  }
  CHECK_THAT(message_of(folder / "colours.json"), Catch::Contains("found none"));
  CHECK_THAT(text("\x1f\x8b\x08"), Catch::Contains("gzip"));
  CHECK_THAT(text(std::string((1 << 20) + 1, ' ')), Catch::Contains("at most 1048576 bytes"));
}

TEST_CASE("what breaks OpenCV's own reader is no homography either") {
  const TemporaryFolder folder;
  const auto text = [&](const std::string& content) { return message_of(folder.file("H.txt", content)); };
  const std::string deep_json = R"({"H": {"rows": 3, "cols": 3, "data": )";
  CHECK_THAT(text(deep_json + std::string(400'000, '[')), Catch::Contains("nested deeper"));
  std::string deep_xml = "<?xml version=\"1.0\"?><opencv_storage>";
  for (int i = 0; i < 100'000; ++i) deep_xml += "<a>";
  CHECK_THAT(text(deep_xml), Catch::Contains("found none"));
  CHECK_THAT(text("%YAML:1.0\n---\nH: " + std::string(400'000, '[')), Catch::Contains("found none"));
  // A type whose name goes on for ever, and sizes that do not fit the data.
  const std::string head = "%YAML:1.0\n---\nH: !!opencv-matrix\n   rows: 3\n   cols: 3\n";
  CHECK_THAT(text(head + "   dt: \"100000000d\"\n   data: [ 1 ]\n"), Catch::Contains("found none"));
  CHECK_THAT(text(head + "   dt: d\n   data: [ 1, 2, 3 ]\n"), Catch::Contains("found 3"));
  CHECK_THAT(text(head + "   dt: d\n"), Catch::Contains("found 0"));
  CHECK_THAT(text(R"({"H": {"rows": 3, "cols": 3, "dt": "d", "data": [1, 2]}})"), Catch::Contains("found 2"));
}

TEST_CASE("Transfer errors take the homography's pixel centres at whole numbers") {
  // Twice the size: pixel 10 of the left image is pixel 20 of the right one, so 10.5 goes to 20.5 and not to 21.
  const Homography twice = {2, 0, 0, 0, 2, 0, 0, 0, 1};
  const std::vector<Keypoint> left = {{10.5F, 30.5F, 1, 0, 0}, {0, 0, 1, 0, 0}};
  const std::vector<Keypoint> right = {{20.5F, 60.5F, 1, 0, 0}, {23.5F, 64.5F, 1, 0, 0}};
  const std::vector<Match> matches = {{0, 0, 1}, {0, 1, 1}, {1, 0, 1}};
  const auto errors = transfer_errors(left, right, matches, twice);
  REQUIRE(errors.size() == 3);
  CHECK(errors[0] == 0);
  CHECK(errors[1] == Approx(5));
  CHECK(errors[2] == Approx(std::hypot(21, 61)));
  // The pixel (0, 0) lies on this one's horizon.
  const auto horizon = transfer_errors(std::vector{Keypoint{0.5F, 0.5F, 1, 0, 0}}, right, std::vector{Match{0, 0, 1}},
                                       {1, 0, 5, 0, 1, 5, 0.5, 0, 0});
  CHECK(horizon[0] == std::numeric_limits<double>::infinity());
  CHECK_THROWS_AS(transfer_errors(left, right, std::vector{Match{2, 0, 1}}, twice), InvalidArgument);
  CHECK_THROWS_AS(transfer_errors(left, right, std::vector{Match{0, -1, 1}}, twice), InvalidArgument);
  CHECK(transfer_errors(left, right, {}, twice).empty());
}

TEST_CASE("matches are drawn on both photographs, right ones green and wrong ones red") {
  const TemporaryFolder folder;
  cv::imwrite((folder / "left.png").string(), cv::Mat(300, 400, CV_8UC3, cv::Scalar(128, 128, 128)));
  cv::imwrite((folder / "right.jpg").string(), cv::Mat(260, 350, CV_8UC3, cv::Scalar(128, 128, 128)));
  Random random(2);
  std::vector<Keypoint> left(200);
  std::vector<Keypoint> right(200);
  std::vector<Match> matches;
  for (int i = 0; i < 200; ++i) {
    const auto k = static_cast<std::size_t>(i);
    left[k] = {static_cast<float>(random.uniform(0, 400)), static_cast<float>(random.uniform(0, 300)), 2, 0, 0};
    right[k] = {static_cast<float>(random.uniform(0, 350)), static_cast<float>(random.uniform(0, 260)), 2, 0, 0};
    matches.push_back({i, i, static_cast<float>(random.uniform())});
  }
  const auto draw = [&](std::span<const Match> some, const std::vector<char>& correct) {
    draw_matches(folder / "out.png", {folder / "left.png", left}, {folder / "right.jpg", right}, some, correct);
    return cv::imread((folder / "out.png").string());
  };
  const cv::Mat green = draw(matches, std::vector<char>(200, 1));
  CHECK(green.rows == 300);
  CHECK(green.cols > 750);
  CHECK(share_of(green, 1) > 0.05);
  CHECK(share_of(green, 2) == 0);
  const cv::Mat red = draw(matches, std::vector<char>(200, 0));
  CHECK(share_of(red, 2) > 0.05);
  CHECK(share_of(red, 1) == 0);
  const cv::Mat none = draw({}, {});
  CHECK(share_of(none, 1) + share_of(none, 2) == 0);
  CHECK_FALSE(draw(matches, {}).empty());

  // A lone match's left dot is where its keypoint is.
  left[0] = {100.5F, 200.5F, 2, 0, 0};
  const cv::Mat one = draw(std::span(matches).first(1), {1});
  const cv::Vec3b dot = one.at<cv::Vec3b>(200, 100);
  CHECK(dot[1] > dot[2] + 60);

  CHECK_THROWS_AS(draw(matches, {1, 0}), InvalidArgument);
  CHECK_THROWS_AS(draw(std::vector{Match{0, 200, 1}}, {}), InvalidArgument);
  CHECK_THROWS_AS(draw_matches(folder / "absent" / "o.png", {folder / "left.png", {}}, {folder / "right.jpg", {}}, {}),
                  IoError);
  CHECK_THROWS_AS(draw_matches(folder / "o.png", {folder / "nothing.png", {}}, {folder / "right.jpg", {}}, {}),
                  IoError);
  CHECK_FALSE(std::filesystem::exists(folder / "o.png"));
}

TEST_CASE("Large photographs make a picture of bounded width") {
  const TemporaryFolder folder;
  cv::imwrite((folder / "left.jpg").string(), cv::Mat(2000, 4000, CV_8UC3, cv::Scalar(90, 120, 128)));
  cv::imwrite((folder / "right.jpg").string(), cv::Mat(4000, 2000, CV_8UC3, cv::Scalar(128, 90, 128)));
  const std::vector left{Keypoint{3999, 1999, 2, 0, 0}};
  const std::vector right{Keypoint{1999, 3999, 2, 0, 0}};
  draw_matches(folder / "out.jpg", {folder / "left.jpg", left}, {folder / "right.jpg", right},
               std::vector{Match{0, 0, 1}});
  const cv::Mat out = cv::imread((folder / "out.jpg").string());
  CHECK(out.cols <= 2400);
  CHECK(out.cols > 2380);
}

TEST_CASE("contact sheets show patches of any size and type") {
  const TemporaryFolder folder;
  const auto pixels = structured_patches(30, 33, 65, 4);
  const std::vector<float> raw = twinpatch::test::normal_floats(30 * 33 * 65, 5);
  std::vector<Match> matches;
  for (int i = 0; i < 30; ++i) matches.push_back({i, 29 - i, static_cast<float>(i)});
  for (const PatchView view :
       {PatchView{PixelType::u8, pixels.data(), 30, 33, 65}, PatchView{PixelType::f32, raw.data(), 30, 33, 65}}) {
    draw_patches(folder / "patches.png", view);
    CHECK(cv::imread((folder / "patches.png").string()).cols > 20 * 64);
    draw_pairs(folder / "pairs.png", view, view, matches, 12);
    const cv::Mat pairs = cv::imread((folder / "pairs.png").string());
    CHECK(draw_pairs_as_png(view, view, matches, 12) == twinpatch::read_file(folder / "pairs.png"));
    CHECK(pairs.cols > 8 * 130);
    CHECK(pairs.rows < 3 * 100);
  }
  const PatchView empty{PixelType::u8, nullptr, 0, 64, 64};
  draw_patches(folder / "none.png", empty);
  draw_pairs(folder / "none.png", empty, empty, {});
  CHECK_FALSE(cv::imread((folder / "none.png").string()).empty());
  CHECK_THROWS_AS(draw_pairs(folder / "o.png", empty, empty, std::vector{Match{0, 0, 1}}), InvalidArgument);
  CHECK_THROWS_AS(draw_pairs(folder / "o.png", empty, empty, {}, 0), InvalidArgument);
  CHECK_THROWS_AS(draw_patches(folder / "o.png", empty, 0), InvalidArgument);
  CHECK_FALSE(std::filesystem::exists(folder / "o.png"));
}
