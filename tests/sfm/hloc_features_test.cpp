// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/sfm/hloc_features.hpp"

#include <array>
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <ctime>
#include <limits>

#include "sfm/hloc_support.hpp"
#include "support/message.hpp"
#include "support/random.hpp"
#include "support/temporary_folder.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/core/half.hpp"

using namespace twinpatch;
using Catch::Contains;
using test::H5Data;
using test::message_of;
using test::TemporaryFolder;

namespace {

H5Data points(const std::string& name, hid_t type, std::vector<double> xy) {
  return {name + "/keypoints", type, {xy.size() / 2, 2}, std::move(xy)};
}

/// Numbers with their last bit set, so never half way between two that binary16 holds: HDF5 rounds those up, not to
/// even.
std::vector<double> random_values(test::Random& random, std::size_t count, double low, double high) {
  std::vector<double> values(count);
  for (double& value : values) {
    const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(random.uniform(low, high)));
    value = std::bit_cast<float>(bits | 1U);
  }
  return values;
}

std::string refusal(const std::vector<H5Data>& datasets) {
  const TemporaryFolder folder;
  test::write_h5(folder / "features.h5", datasets);
  return message_of<FormatError>([&] {
    const HlocFeatureFile file(folder / "features.h5");
    (void)file.read(file.names().front());
  });
}

std::vector<double> random_numbers(std::size_t count) {
  test::Random random(1);
  std::vector<double> values(count);
  for (double& value : values) value = random.uniform(0, 1000);
  return values;
}

}  // namespace

TEST_CASE("keypoints of a features.h5 come in twinpatch's convention") {
  const auto seed = static_cast<std::uint64_t>(std::time(nullptr));
  INFO("seed " << seed);
  test::Random random(seed);
  const TemporaryFolder folder;
  const auto path = folder / "fèatures 1.h5";
  const std::vector<std::string> names{"a.jpg", "db/sub dir/b c.jpg", "db/\"ü\".png", "empty", "one"};
  const std::vector<std::size_t> counts{257, 33, 2, 0, 1};
  for (const bool half : {false, true}) {
    std::vector<H5Data> datasets;
    std::vector<std::vector<double>> xy, scales, angles, scores;
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::size_t count = counts[i];
      const hid_t type = half ? test::h5_half() : test::h5_float();
      xy.push_back(random_values(random, 2 * count, -0.5, 4000));
      scales.push_back(random_values(random, count, 0.5, 30));
      angles.push_back(random_values(random, count, -180, 360));
      scores.push_back(random_values(random, count, 0, 1));
      datasets.push_back({names[i] + "/keypoints", type, {count, 2}, xy.back()});
      datasets.push_back({names[i] + "/scales", type, {count}, scales.back()});
      datasets.push_back({names[i] + "/oris", type, {count}, angles.back()});
      datasets.push_back({names[i] + "/scores", type, {count}, scores.back()});
      datasets.push_back({names[i] + "/descriptors", type, {128, count}, {}});
      datasets.push_back({names[i] + "/image_size", test::h5_int64(), {2}, {4001, 4002}});
    }
    test::write_h5(path, datasets);
    const HlocFeatureFile file(path);
    CHECK(file.names() == std::vector<std::string>{"a.jpg", "db/\"ü\".png", "db/sub dir/b c.jpg", "empty", "one"});
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto features = file.read(names[i]);
      CHECK(file.keypoint_count(names[i]) == static_cast<std::int64_t>(counts[i]));
      REQUIRE(features.keypoints.size() == counts[i]);
      CHECK(features.half_precision == half);
      CHECK(features.has_scales);
      CHECK(features.has_angles);
      CHECK(features.width == 4001);
      CHECK(features.height == 4002);
      const auto stored = [&](double value) {
        const auto single = static_cast<float>(value);
        return half ? from_half(to_half(single)) : single;
      };
      double worst = 0;
      for (std::size_t k = 0; k < counts[i]; ++k) {
        const Keypoint& keypoint = features.keypoints[k];
        CHECK(keypoint.x == stored(xy[i][2 * k]) + 0.5F);
        CHECK(keypoint.y == stored(xy[i][2 * k + 1]) + 0.5F);
        CHECK(keypoint.sigma == stored(scales[i][k]));
        CHECK(keypoint.angle == Approx(stored(angles[i][k]) * 3.14159265358979 / 180).margin(1e-6));
        CHECK(keypoint.response == stored(scores[i][k]));
        worst =
            std::max({worst, std::abs(keypoint.x - 0.5 - xy[i][2 * k]), std::abs(keypoint.y - 0.5 - xy[i][2 * k + 1])});
      }
      // The promised bound holds, and is not far off.
      if (half) {
        CHECK(worst <= features.rounding);
        if (counts[i] > 200) CHECK(worst > 0.5 * features.rounding);
      } else {
        CHECK(features.rounding == 0);
      }
    }
  }
}

TEST_CASE("keypoints get a scale, and those that rounding put outside their image are moved back") {
  HlocFeatures features;
  features.keypoints = {{.x = 10, .y = 20}, {.x = 100.25F, .y = -0.25F}, {.x = 101, .y = 79}};
  CHECK_THAT(message_of<InvalidArgument>([&] { (void)usable_keypoints(features, "f.h5: a", 0); }),
             Contains("f.h5: a") && Contains("no \"scales\""));
  CHECK(usable_keypoints(features, "a", 2.5F)[0] == Keypoint{.x = 10, .y = 20, .sigma = 2.5F});
  CHECK(usable_keypoints(features, "a", 1)[1].x == 100.25F);  // nothing says how large the image is
  features.width = 100;
  features.height = 80;
  CHECK(usable_keypoints(features, "a", 1)[1].x == 100.25F);  // not rounded: really outside
  features.rounding = 0.25F;
  const auto usable = usable_keypoints(features, "a", 1);
  CHECK(usable[1].x == 100);
  CHECK(usable[1].y == 0);
  CHECK(usable[2].x == 101);
  features.has_scales = true;
  features.keypoints[0].sigma = 7;
  CHECK(usable_keypoints(features, "a", 1)[0].sigma == 7);
  features.has_scales = false;
  features.keypoints.clear();
  CHECK(usable_keypoints(features, "a", 0).empty());
}

TEST_CASE("datasets of another type or shape are refused by name") {
  const hid_t f32 = test::h5_float();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_THAT(refusal({{"a/keypoints", test::h5_int64(), {1, 2}, {1, 2}}}),
             Contains("features.h5") && Contains("\"a/keypoints\": expected floats"));
  CHECK_THAT(refusal({{"a/keypoints", test::h5_text(), {1, 2}, {}}}), Contains("expected floats"));
  CHECK_THAT(refusal({{"a/keypoints", f32, {1, 3}, {1, 2, 3}}}),
             Contains("expected keypoints of shape [N, 2], found [1, 3]"));
  CHECK_THAT(refusal({{"a/keypoints", f32, {4}, {1, 2, 3, 4}}}), Contains("found [4]"));
  CHECK_THAT(refusal({{"a/keypoints", f32, {1, 2, 1}, {1, 2}}}), Contains("found [1, 2, 1]"));
  CHECK_THAT(refusal({points("a", f32, {1, nan})}), Contains("number 1 is not finite"));
  CHECK_THAT(refusal({points("a", test::h5_half(), {1, 2, 70000, 1})}), Contains("number 2 is not finite"));
  CHECK_THAT(refusal({points("a", f32, {1, 2}), {"a/scales", f32, {2}, {1, 2}}}),
             Contains("\"a/scales\"") && Contains("each of 1 keypoints") && Contains("[2]"));
  CHECK_THAT(refusal({points("a", f32, {1, 2, 3, 4}), {"a/scales", f32, {2}, {3, 0}}}),
             Contains("expected positive scales, found 0 for keypoint 1"));
  CHECK_THAT(refusal({points("a", f32, {1, 2}), {"a/oris", f32, {1, 1}, {1}}}), Contains("\"a/oris\""));
  CHECK_THAT(refusal({points("a", f32, {1, 2}), {"a/image_size", f32, {2}, {10, 0}}}), Contains("\"a/image_size\""));
  CHECK_THAT(refusal({points("a", f32, {1, 2}), {"a/image_size", f32, {3}, {1, 1, 1}}}), Contains("\"a/image_size\""));
  // A header that claims numbers nobody wrote must not cost their memory.
  CHECK_THAT(refusal({{"a/keypoints", f32, {1U << 31, 2}, {}}}), Contains("expected at most"));
  CHECK_THAT(refusal({{"a/keypoints", f32, {hsize_t{1} << 50, 2}, {}}}), Contains("expected at most"));
  CHECK_THAT(refusal({{"a/keypoints", f32, {1000, 2}, {}}}), Contains("empty dataset"));
  CHECK_THAT(refusal({{"a/descriptors", f32, {1}, {1}}}), Contains("expected groups with a dataset \"keypoints\""));
  CHECK_THAT(refusal({{"keypoints", f32, {1, 2}, {1, 2}}}), Contains("found none"));  // of no image
}

TEST_CASE("chunks that would unpack to more than a dataset holds are refused before they are read") {
  const TemporaryFolder folder;
  const auto refused = [&](hsize_t chunk, bool packed, hsize_t rows) {
    const auto path = folder / "features.h5";
    const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t group = H5Gcreate2(file, "a.jpg", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    const std::array<hsize_t, 2> shape{rows, 2};
    const std::array<hsize_t, 2> most{H5S_UNLIMITED, 2};
    const std::array<hsize_t, 2> chunks{chunk, 2};
    const hid_t space = H5Screate_simple(2, shape.data(), most.data());
    const hid_t layout = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(layout, 2, chunks.data());
    if (packed) H5Pset_deflate(layout, 1);
    const hid_t data = H5Dcreate2(group, "keypoints", test::h5_float(), space, H5P_DEFAULT, layout, H5P_DEFAULT);
    // Numbers that do not pack, so that a chunk stays as large as it is.
    const auto values = random_numbers(rows * 2);
    REQUIRE(H5Dwrite(data, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) >= 0);
    for (const auto& close : {H5Dclose(data), H5Pclose(layout), H5Sclose(space), H5Gclose(group), H5Fclose(file)}) {
      REQUIRE(close >= 0);
    }
    try {
      (void)HlocFeatureFile(path).read("a.jpg");
    } catch (const FormatError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(refused(100, false, 250).empty());
  CHECK(refused(100, true, 250).empty());
  CHECK_THAT(refused((64 << 20) / 8 + 1, true, 10),
             Contains("\"a.jpg/keypoints\": expected chunks of at most 67108864"));
  CHECK_THAT(refused(400'000, true, 400'000), Contains("packed chunks of at most 1048576"));
}

TEST_CASE("files that are no features.h5 are refused, whole or cut off") {
  const TemporaryFolder folder;
  CHECK_THAT(message_of<IoError>([&] { (void)HlocFeatureFile(folder / "none.h5"); }), Contains("none.h5: cannot open"));
  CHECK_THAT(message_of<FormatError>([&] { (void)HlocFeatureFile(folder.file("text.h5", "keypoints\n")); }),
             Contains("not an HDF5 file"));
  (void)message_of<FormatError>([&] { (void)HlocFeatureFile(folder.file("empty.h5", "")); });
  (void)message_of<Error>([&] { (void)HlocFeatureFile(folder.path()); });

  test::Random random(7);
  std::vector<H5Data> datasets;
  for (int i = 0; i < 12; ++i) {
    datasets.push_back(points("i" + std::to_string(i), test::h5_float(), random_values(random, 200, 0, 1000)));
  }
  test::write_h5(folder / "whole.h5", datasets);
  const auto whole = read_file(folder / "whole.h5");
  REQUIRE(whole.size() > 9600);
  for (std::size_t length = 0; length < whole.size(); length += length < 128 ? 1 : 211) {
    const auto cut = folder.file("cut.h5", std::span(whole).first(length));
    (void)message_of<FormatError>([&] {
      const HlocFeatureFile file(cut);
      for (const auto& name : file.names()) (void)file.read(name);
    });
  }
  const HlocFeatureFile file(folder / "whole.h5");
  CHECK(file.names().size() == 12);
  CHECK_THAT(message_of<InvalidArgument>([&] { (void)file.read("i12"); }), Contains("holds no image \"i12\""));
  CHECK_FALSE(file.has("i"));
}

namespace {

/// A compression that only this test knows: it leaves the bytes as they are.
std::size_t unchanged(unsigned /*flags*/, std::size_t /*parameters*/, const unsigned* /*values*/, std::size_t bytes,
                      std::size_t* /*size*/, void** /*buffer*/) {
  return bytes;
}

}  // namespace

TEST_CASE("a compression that this HDF5 does not know is named") {
  const TemporaryFolder folder;
  const std::string path = (folder / "packed.h5").string();
  constexpr H5Z_filter_t kNumber = 32017;
  const H5Z_class2_t filter{H5Z_CLASS_T_VERS, kNumber, 1, 1, "squeeze", nullptr, nullptr, &unchanged};
  REQUIRE(H5Zregister(&filter) >= 0);
  {
    const hsize_t shape[] = {2, 2};
    const float values[] = {1, 2, 3, 4};
    const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t group = H5Gcreate2(file, "a.png", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t space = H5Screate_simple(2, shape, nullptr);
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    REQUIRE(H5Pset_chunk(properties, 2, shape) >= 0);
    REQUIRE(H5Pset_filter(properties, kNumber, H5Z_FLAG_MANDATORY, 0, nullptr) >= 0);
    const hid_t data = H5Dcreate2(group, "keypoints", H5T_IEEE_F32LE, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    REQUIRE(H5Dwrite(data, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Dclose(data);
    H5Pclose(properties);
    H5Sclose(space);
    H5Gclose(group);
    H5Fclose(file);
  }
  CHECK(HlocFeatureFile(path).read("a.png").keypoints.size() == 2);
  REQUIRE(H5Zunregister(kNumber) >= 0);
  CHECK_THAT(message_of<FormatError>([&] { (void)HlocFeatureFile(path).read("a.png"); }),
             Contains("a.png/keypoints") && Contains("compressed with squeeze (filter 32017)") && Contains("h5repack"));
}
