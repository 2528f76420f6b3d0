// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/sfm/colmap_model.hpp"

#include <catch2/catch.hpp>
#include <cstring>

#include "support/message.hpp"
#include "support/temporary_folder.hpp"
#include "twinpatch/core/error.hpp"

using namespace twinpatch;
using namespace twinpatch::test;

namespace {

template <class Value>
void put(std::string& bytes, Value value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

std::string cameras_bin() {
  std::string bytes;
  put<std::uint64_t>(bytes, 2);
  put<std::uint32_t>(bytes, 1);
  put<std::int32_t>(bytes, 2);
  put<std::uint64_t>(bytes, 640);
  put<std::uint64_t>(bytes, 480);
  for (const double p : {500.0, 320.0, 240.0, -0.01}) put(bytes, p);
  put<std::uint32_t>(bytes, 7);
  put<std::int32_t>(bytes, 1);
  put<std::uint64_t>(bytes, 100);
  put<std::uint64_t>(bytes, 50);
  for (const double p : {90.0, 91.0, 50.0, 25.0}) put(bytes, p);
  return bytes;
}
constexpr const char* kCamerasText =
    "# cameras\n1 SIMPLE_RADIAL 640 480 500 320 240 -0.01\n\n7 PINHOLE 100 50 90 91 50 25\r\n";

std::string images_bin() {
  std::string bytes;
  put<std::uint64_t>(bytes, 2);
  const auto image = [&](std::uint32_t id, const char* name, std::uint32_t camera) {
    put(bytes, id);
    for (const double p : {1.0, 0.0, 0.1, 0.0, 0.5, 0.25, 2.0}) put(bytes, p);
    put(bytes, camera);
    bytes.append(name, std::strlen(name) + 1);
  };
  image(3, "a b.jpg", 1);
  put<std::uint64_t>(bytes, 2);
  put(bytes, 10.5);
  put(bytes, 20.25);
  put<std::uint64_t>(bytes, 12);
  put(bytes, 30.0);
  put(bytes, 40.0);
  put<std::uint64_t>(bytes, ~std::uint64_t{0});
  image(4, "sub/c.jpg", 7);
  put<std::uint64_t>(bytes, 0);
  return bytes;
}
constexpr const char* kImagesText =
    "# images\n3 1 0 0.1 0 0.5 0.25 2 1 a b.jpg\n10.5 20.25 12 30 40 -1\n4 1 0 0.1 0 0.5 0.25 2 7 sub/c.jpg\n\n";

std::string points_bin() {
  std::string bytes;
  put<std::uint64_t>(bytes, 1);
  put<std::uint64_t>(bytes, 12);
  for (const double p : {1.0, 2.0, 3.0}) put(bytes, p);
  bytes += "RGB";
  put(bytes, 0.5);
  put<std::uint64_t>(bytes, 1);
  put<std::uint32_t>(bytes, 3);
  put<std::uint32_t>(bytes, 0);
  return bytes;
}
constexpr const char* kPointsText = "12 1 2 3 82 71 66 0.5 3 0\n";

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

void check_model(const ColmapModel& model) {
  REQUIRE(model.cameras.size() == 2);
  CHECK(model.cameras.at(1).model == CameraModel::simple_radial);
  CHECK(model.cameras.at(1).parameters == std::vector<double>{500, 320, 240, -0.01});
  CHECK(model.cameras.at(7).height == 50);
  REQUIRE(model.images.size() == 2);
  const ColmapImage& image = model.images.at(3);
  CHECK(image.name == "a b.jpg");
  CHECK(image.rotation[2] == 0.1);
  CHECK(image.translation[2] == 2.0);
  REQUIRE(image.keypoints.size() == 2);
  CHECK(image.keypoints[0].point == 12);
  CHECK(image.keypoints[1].point == -1);
  CHECK(image.keypoints[1].y == 40.0);
  CHECK(model.images.at(4).keypoints.empty());
  REQUIRE(model.points.size() == 1);
  CHECK(model.points.at(12).position == Vector3{1, 2, 3});
  CHECK(model.points.at(12).error == 0.5);
  CHECK(model.points.at(12).track[0].image == 3);
}

}  // namespace

TEST_CASE("a model reads the same from binary and from text") {
  const TemporaryFolder folder;
  folder.file("cameras.bin", cameras_bin());
  folder.file("images.bin", images_bin());
  folder.file("points3D.bin", points_bin());
  check_model(read_colmap_model(folder.path()));
  for (const char* name : {"cameras.bin", "images.bin", "points3D.bin"}) std::filesystem::remove(folder / name);
  folder.file("cameras.txt", kCamerasText);
  folder.file("images.txt", kImagesText);
  folder.file("points3D.txt", kPointsText);
  check_model(read_colmap_model(folder.path()));
}

TEST_CASE("a binary part cut off at any byte, or with one too many, is refused with its name") {
  using Parse = void (*)(std::span<const std::byte>, const std::string&, ColmapModel&);
  const std::pair<std::string, Parse> parts[] = {
      {cameras_bin(), parse_cameras_bin}, {images_bin(), parse_images_bin}, {points_bin(), parse_points_bin}};
  for (const auto& [bytes, parse] : parts) {
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      ColmapModel model;
      const std::string cut = bytes.substr(0, length);
      CAPTURE(length);
      CHECK_THROWS_AS(parse(bytes_of(cut), "part.bin", model), FormatError);
    }
    ColmapModel model;
    CHECK(message_of<FormatError>([&] {
            parse(bytes_of(bytes + "x"), "part.bin", model);
          }).find("1 bytes after the last item") != std::string::npos);
  }
}

TEST_CASE("counts that the file cannot hold are refused before anything is allocated") {
  using Parse = void (*)(std::span<const std::byte>, const std::string&, ColmapModel&);
  for (const Parse parse : {Parse{parse_cameras_bin}, Parse{parse_images_bin}, Parse{parse_points_bin}}) {
    for (const std::uint64_t count : {std::uint64_t{1} << 40, ~std::uint64_t{0}, std::uint64_t{1} << 62}) {
      std::string bytes = points_bin();
      std::memcpy(bytes.data(), &count, 8);
      ColmapModel model;
      CHECK_THROWS_AS(parse(bytes_of(bytes), "part.bin", model), FormatError);
    }
  }
  std::string bytes = cameras_bin();
  const std::int32_t unknown = 42;
  std::memcpy(bytes.data() + 12, &unknown, 4);
  ColmapModel model;
  CHECK(message_of<FormatError>([&] {
          parse_cameras_bin(bytes_of(bytes), "cameras.bin", model);
        }).find("camera 1: unknown camera model 42") != std::string::npos);
}

TEST_CASE("text that is no model is refused with its line") {
  ColmapModel model;
  const auto refused = [&](auto parse, const char* text) {
    return message_of<FormatError>([&] { parse(text, "part.txt", model); });
  };
  CHECK(refused(parse_cameras_text, "1 PINHOLE 100 50 90 91 50\n") ==
        "part.txt: line 1: expected a camera parameter, found the end of the line");
  CHECK(refused(parse_cameras_text, "\n1 LENSLESS 100 50\n") == "part.txt: line 2: unknown camera model \"LENSLESS\"");
  CHECK(refused(parse_cameras_text, "2 PINHOLE 100 50 90 91 50 25 3\n") ==
        "part.txt: line 1: PINHOLE takes 4 parameters, found more");
  CHECK(refused(parse_cameras_text, "x PINHOLE\n") == "part.txt: line 1: expected a camera id, found \"x\"");
  CHECK(refused(parse_images_text, "3 1 0 0.1 0 0.5 0.25 2 1 a.jpg") ==
        "part.txt: line 1: image 3: its second line, the keypoints, is missing");
  CHECK(refused(parse_images_text, "4 1 0 0.1 0 0.5 0.25 nan 1 a.jpg\n\n") ==
        "part.txt: line 1: expected the translation, found \"nan\"");
  CHECK(refused(parse_images_text, "5 1 0 0.1 0 0.5 0.25 2 1 a.jpg\n10.5 20.25\n").find("line 2") != std::string::npos);
  CHECK(refused(parse_points_text, "12 1 2 3 82 71 66 0.5 3\n") ==
        "part.txt: line 1: expected a keypoint's index, found the end of the line");
  CHECK(refused(parse_points_text, "13 1 2 3 82 71 660 0.5\n").find("expected a colour, found \"660\"") !=
        std::string::npos);
  CHECK(refused(parse_points_text, "14 1 2 3 8 7 6 0.5\n14 1 2 3 8 7 6 0.5\n") ==
        "part.txt: line 2: duplicate point id 14");
}

TEST_CASE("parts that contradict each other are refused") {
  const auto refused = [](auto change) {
    ColmapModel model;
    parse_cameras_text(kCamerasText, "cameras.txt", model);
    parse_images_text(kImagesText, "images.txt", model);
    parse_points_text(kPointsText, "points3D.txt", model);
    change(model);
    return message_of<Error>([&] { check_colmap_model(model, "model"); });
  };
  CHECK(refused([](auto& m) { m.cameras.erase(7); }) == "model: image 4 (sub/c.jpg) names camera 7, which is missing");
  CHECK(refused([](auto& m) { m.images.erase(3); }) == "model: point 12 is seen in image 3, which is missing");
  CHECK(refused([](auto& m) { m.points.at(12).track[0].keypoint = 2; }) ==
        "model: point 12 names keypoint 2 of image a b.jpg, which has 2");
  CHECK(refused([](auto& m) { m.images.clear(); }) == "model: the model has no images");
  CHECK(refused([](auto& m) {
          m.images.at(3).rotation = {0, 0, 0, 0};
        }).find("has no valid pose") != std::string::npos);
  CHECK(refused([](auto& m) { m.cameras.at(1).width = 0; }).find("camera 1 has the size 0x480") != std::string::npos);
  CHECK(refused([](auto& m) { m.cameras.at(1).parameters[0] = 0; }).find("no focal length") != std::string::npos);
  CHECK(refused([](auto& m) { m.points.at(12).position[1] = 1.0 / 0.0; }).find("no finite position") !=
        std::string::npos);
}

TEST_CASE("a folder without a model is refused") {
  const TemporaryFolder folder;
  CHECK(message_of<IoError>([&] { (void)read_colmap_model(folder / "absent"); }).find("is not a folder") !=
        std::string::npos);
  folder.file("cameras.bin", cameras_bin());
  CHECK(message_of<IoError>([&] {
          (void)read_colmap_model(folder.path());
        }).find("both images.bin and images.txt are missing") != std::string::npos);
}
