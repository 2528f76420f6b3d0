// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/sfm/opensfm.hpp"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <limits>
#include <map>

#include "deflate.hpp"
#include "support/message.hpp"
#include "support/random.hpp"
#include "support/temporary_folder.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/formats/npy.hpp"

// opensfm_readers.py reads what is written here as OpenSfM does, and writes what is read here with NumPy.

using namespace twinpatch;
using namespace twinpatch::test;
using Catch::Contains;

namespace {

using Bytes = std::vector<std::byte>;

struct Member {
  std::string name;
  Bytes bytes;
};

/// An archive as NumPy writes it; the raw deflate stream is that of a gzip member.
Bytes zip(const std::vector<Member>& members, bool deflated) {
  Bytes archive, directory;
  const auto put = [](Bytes& to, std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) to.push_back(static_cast<std::byte>(value >> (8 * i)));
  };
  const auto put_name = [](Bytes& to, const std::string& name) {
    for (const char c : name) to.push_back(static_cast<std::byte>(c));
  };
  for (const Member& member : members) {
    Bytes stored = member.bytes;
    if (deflated) {
      const Bytes wrapped = sfm::gzip(member.bytes);
      stored.assign(wrapped.begin() + 10, wrapped.end() - 8);
    }
    const auto offset = archive.size();
    const auto common = [&](Bytes& to) {
      put(to, 20, 2);  // version
      put(to, 0, 2);
      put(to, deflated ? 8 : 0, 2);
      put(to, 0, 8);  // time, checksum
      put(to, stored.size(), 4);
      put(to, member.bytes.size(), 4);
      put(to, member.name.size(), 2);
      put(to, 0, 2);
    };
    put(archive, 0x04034b50, 4);
    common(archive);
    put_name(archive, member.name);
    archive.insert(archive.end(), stored.begin(), stored.end());
    put(directory, 0x02014b50, 4);
    put(directory, 20, 2);
    common(directory);
    put(directory, 0, 2);  // comment
    put(directory, 0, 8);
    put(directory, offset, 4);
    put_name(directory, member.name);
  }
  const auto begin = archive.size();
  archive.insert(archive.end(), directory.begin(), directory.end());
  put(archive, 0x06054b50, 4);
  put(archive, 0, 4);
  put(archive, members.size(), 2);
  put(archive, members.size(), 2);
  put(archive, directory.size(), 4);
  put(archive, begin, 4);
  put(archive, 0, 2);
  return archive;
}

/// A dataset of two images, the first of 300 × 200 pixels with three features; a test may spoil any file.
struct Dataset {
  Dataset() {
    for (const char* name : {"features", "exif", "images"}) std::filesystem::create_directory(folder / name);
    exif("a b.jpg", R"({"width": 300, "height": 200, "orientation": 6, "make": "x"})");
    exif("é.jpg", R"({"width": 200, "height": 300})");
    features("a b.jpg", kThree, {3, 4});
    features("é.jpg", {}, {0, 4});
  }
  void exif(const std::string& name, std::string_view text) const { (void)folder.file("exif/" + name + ".exif", text); }
  template <class T>
  [[nodiscard]] Bytes npy(const std::vector<T>& values, std::vector<std::int64_t> shape) const {
    write_npy<T>(folder / "array.npy", values, std::move(shape));
    return read_file(folder / "array.npy");
  }
  void features(const std::string& name, const std::vector<float>& points, std::vector<std::int64_t> shape,
                std::int64_t version = 3, bool deflated = true) const {
    store(name, zip({{"points.npy", npy(points, std::move(shape))},
                     {"OPENSFM_FEATURES_VERSION.npy", npy<std::int64_t>({version}, {})}},
                    deflated));
  }
  void store(const std::string& name, const Bytes& bytes) const {
    std::ofstream file(folder / ("features/" + name + ".features.npz"), std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), std::ssize(bytes));
  }
  [[nodiscard]] std::string refusal(const std::string& name = "a b.jpg") const {
    return message_of<Error>([&] { (void)OpenSfmDataset(folder.path()).keypoints(name); });
  }

  // The middle; the centre of the first pixel (0.5, 0.5); somewhere.
  inline static const std::vector<float> kThree{0,     0,     0.01F,  0,      -149.5F / 300, -99.5F / 300,
                                                0.02F, 90.0F, 0.125F, -0.25F, 0.005F,        -45.0F};
  TemporaryFolder folder;
};

std::map<std::string, Bytes> files_of(const std::filesystem::path& folder) {
  std::map<std::string, Bytes> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    files[entry.path().filename().string()] = read_file(entry.path());
  }
  return files;
}

}  // namespace

TEST_CASE("features of OpenSfM become keypoints: pixels, sigma and radians") {
  const Dataset data;
  for (const bool deflated : {true, false}) {
    data.features("a b.jpg", Dataset::kThree, {3, 4}, 1, deflated);
    const OpenSfmDataset dataset(data.folder.path());
    REQUIRE(dataset.images().size() == 2);
    CHECK(dataset.images()[0].name == "a b.jpg");
    CHECK(dataset.images()[1].height == 300);
    const auto keypoints = dataset.keypoints("a b.jpg");
    REQUIRE(keypoints.size() == 3);
    CHECK(keypoints[0] == Keypoint{.x = 150, .y = 100, .sigma = 3});
    CHECK(keypoints[1].x == Approx(0.5).margin(1e-4));
    CHECK(keypoints[1].y == Approx(0.5).margin(1e-4));
    CHECK(keypoints[1].angle == Approx(std::acos(0.0)));
    CHECK(keypoints[2].x == Approx(150 + 37.5));
    CHECK(keypoints[2].y == Approx(100 - 75));
    CHECK(keypoints[2].sigma == Approx(1.5));
    CHECK(dataset.keypoints("é.jpg").empty());
    CHECK_THROWS_AS(dataset.keypoints("c.jpg"), InvalidArgument);
  }
  (void)data.folder.file("config.yaml", std::string_view("# feature_type: ORB\nfeature_type: sift # OpenCV's\n"));
  CHECK(OpenSfmDataset(data.folder.path()).keypoints("a b.jpg")[0].sigma == 1.5F);
  CHECK(OpenSfmDataset(data.folder.path(), OpenSfmSize::sigma).keypoints("a b.jpg")[0].sigma == 3);
  (void)data.folder.file("config.yaml", std::string_view("feature_type: AKAZE\n"));
  CHECK_THAT(message_of<FormatError>([&] { (void)OpenSfmDataset(data.folder.path()); }),
             Contains("config.yaml") && Contains("AKAZE") && Contains("HAHOG and SIFT"));
  CHECK(OpenSfmDataset(data.folder.path(), OpenSfmSize::diameter).images().size() == 2);
}

TEST_CASE("files that are no features of OpenSfM are refused by name") {
  const Dataset data;
  const auto npz = Contains("a b.jpg.features.npz");
  SECTION("no version") {
    data.store("a b.jpg", zip({{"points.npy", data.npy(Dataset::kThree, {3, 4})}}, true));
    CHECK_THAT(data.refusal(), npz && Contains("without a version"));
  }
  SECTION("a version to come") {
    data.features("a b.jpg", Dataset::kThree, {3, 4}, 4);
    CHECK_THAT(data.refusal(), npz && Contains("version 4, expected 1 to 3"));
  }
  SECTION("other columns") {
    data.features("a b.jpg", Dataset::kThree, {4, 3});
    CHECK_THAT(data.refusal(), npz && Contains("points [N, 4]"));
  }
  SECTION("another type") {
    data.store("a b.jpg", zip({{"points.npy", data.npy<double>({0, 0, 1, 0}, {1, 4})},
                               {"OPENSFM_FEATURES_VERSION.npy", data.npy<std::int64_t>({3}, {})}},
                              true));
    CHECK_THAT(data.refusal(), npz && Contains("float32") && Contains("float64"));
  }
  SECTION("not finite") {
    auto points = Dataset::kThree;
    points[6] = std::numeric_limits<float>::quiet_NaN();
    data.features("a b.jpg", points, {3, 4});
    CHECK_THAT(data.refusal(), npz && Contains("keypoint 1 is not finite"));
  }
  SECTION("no points") {
    data.store("a b.jpg", zip({{"OPENSFM_FEATURES_VERSION.npy", data.npy<std::int64_t>({3}, {})}}, false));
    CHECK_THAT(data.refusal(), npz && Contains("expected an array points.npy"));
  }
  SECTION("cut off, at every byte of its end and some before") {
    const Bytes whole = read_file(data.folder / "features/a b.jpg.features.npz");
    for (std::size_t size = 0; size < whole.size(); size += size + 60 < whole.size() ? 17 : 1) {
      data.store("a b.jpg", {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
      CHECK_THAT(data.refusal(), npz);
    }
  }
  SECTION("a compressed array that is damaged, or says another size") {
    auto bytes = zip({{"OPENSFM_FEATURES_VERSION.npy", data.npy<std::int64_t>({3}, {})}}, true);
    const auto at = 30 + std::string_view("OPENSFM_FEATURES_VERSION.npy").size();
    auto damaged = bytes;
    damaged[at + 3] ^= std::byte{0x5a};
    data.store("a b.jpg", damaged);
    CHECK_THAT(data.refusal(), npz);
    auto huge = bytes;
    for (const std::size_t place : {std::size_t{22}, huge.size() - 22 - 46 - 28 + 24})
      huge[place + 3] = std::byte{0x7f};
    data.store("a b.jpg", huge);
    CHECK_THAT(data.refusal(), npz && Contains("cannot become"));
  }
  SECTION("no metadata") {
    std::filesystem::remove(data.folder / "exif/é.jpg.exif");
    CHECK_THAT(data.refusal(), Contains("é.jpg.exif"));
  }
  SECTION("metadata without a size") {
    data.exif("é.jpg", R"({"width": 0, "height": 300})");
    CHECK_THAT(data.refusal(), Contains("é.jpg.exif"));
  }
  SECTION("no features") {
    for (const char* name : {"a b.jpg", "é.jpg"}) {
      std::filesystem::remove(data.folder / (std::string("features/") + name + ".features.npz"));
    }
    CHECK_THAT(data.refusal(), Contains("detect_features"));
    std::filesystem::remove(data.folder / "features");
    CHECK_THAT(data.refusal(), Contains("cannot list OpenSfM's features"));
  }
}

TEST_CASE("bytes come back from deflate, whatever their number") {
  Random random(3);
  for (const int size : {0, 1, 255, 70'000}) {
    Bytes bytes;
    for (int i = 0; i < size; ++i) bytes.push_back(static_cast<std::byte>(random.below(4)));
    const Bytes wrapped = sfm::gzip(bytes);
    CHECK(wrapped == sfm::gzip(bytes));
    const Bytes raw(wrapped.begin() + 10, wrapped.end() - 8);
    CHECK(sfm::inflate(raw, size, "it") == bytes);
    CHECK_THROWS_AS(sfm::inflate(raw, size + 1, "it"), FormatError);
    CHECK_THROWS_AS(sfm::inflate(raw, std::int64_t{1} << 31, "it"), FormatError);
    if (size > 0) CHECK_THROWS_AS(sfm::inflate(raw, size - 1, "it"), FormatError);
  }
}

TEST_CASE("a folder of matches appears whole, the same from the same pairs, or not at all") {
  const TemporaryFolder folder;
  const std::vector<std::string> names{"a.jpg", "b.jpg", "c.jpg"};
  const std::vector<Match> some{{4, 1, 0.5F}, {0, 2, 0.25F}};
  const auto target = folder / "matches";
  const auto write = [&](bool replace, const std::vector<ImagePair>& pairs) {
    OpenSfmMatchWriter writer(target, names, {5, 3, 5}, replace);
    for (const ImagePair& pair : pairs) writer.write(pair, some);
    CHECK(!std::filesystem::exists(target / "a.jpg_matches.pkl.gz"));
    writer.commit();
    return files_of(target);
  };
  const auto first = write(false, {{0, 1}, {2, 1}});
  CHECK(first.size() == 3);
  CHECK(first.at("b.jpg_matches.pkl.gz").size() < 40);  // an empty dictionary
  CHECK_THAT(message_of<Error>([&] { (void)write(false, {}); }), Contains("already exists (use --replace)"));
  std::filesystem::remove_all(target);
  CHECK(write(true, {{0, 1}, {2, 1}}) == first);
  {
    OpenSfmMatchWriter abandoned(folder / "other", names, {5, 3, 5}, false);
    abandoned.write({0, 1}, some);
  }
  CHECK(!std::filesystem::exists(folder / "other"));
  CHECK(!std::filesystem::exists(folder / "other.tmp"));
  (void)folder.file("matches/notes.txt", std::string_view("mine"));
  CHECK_THAT(message_of<Error>([&] {
               OpenSfmMatchWriter(target, names, {5, 3, 5}, true);
             }),
             Contains("not replaced") && Contains("notes.txt"));
  CHECK(std::filesystem::exists(target / "notes.txt"));
}

TEST_CASE("pairs and names that make no sense are refused") {
  const TemporaryFolder folder;
  OpenSfmMatchWriter writer(folder / "m", {"a.jpg", "b.jpg"}, {5, 3}, false);
  const auto refused = [&](ImagePair pair, const std::vector<Match>& matches) {
    return message_of<InvalidArgument>([&] { writer.write(pair, matches); });
  };
  CHECK_THAT(refused({0, 2}, {}), Contains("index 2"));
  CHECK_THAT(refused({1, 1}, {}), Contains("b.jpg is paired with itself"));
  CHECK_THAT(refused({0, 1}, {{4, 3, 0}}), Contains("(4, 3) is out of range: 5 and 3 keypoints"));
  CHECK_THAT(refused({0, 1}, {{-1, 0, 0}}), Contains("out of range"));
  writer.write({0, 1}, std::vector<Match>{{0, 0, 1}});
  CHECK_THAT(refused({1, 0}, {}), Contains("duplicate pair"));
  const auto named = [&](const std::vector<std::string>& names) {
    return message_of<InvalidArgument>([&] { OpenSfmMatchWriter(folder / "n", names, {1, 1}, false); });
  };
  CHECK_THAT(named({"a/b.jpg", "c.jpg"}), Contains("no folders"));
  CHECK_THAT(named({"c.jpg", "c.jpg"}), Contains("duplicate image name"));
}
